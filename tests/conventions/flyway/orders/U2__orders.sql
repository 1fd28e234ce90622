DROP VIEW IF EXISTS shop.sales;
DROP TABLE shop.orders;
