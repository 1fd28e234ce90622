-- One underscore: Flyway has never run it.
DROP TABLE shop.orders;
