CREATE SCHEMA shop;
CREATE TABLE shop.products (id int PRIMARY KEY, name text NOT NULL, price numeric NOT NULL);
