CREATE OR REPLACE VIEW shop.sales AS
SELECT product, count(*) AS sold FROM shop.orders GROUP BY product;
