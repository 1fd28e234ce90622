CREATE SCHEMA shop;
CREATE TABLE shop.products (
    id int PRIMARY KEY,
    name text NOT NULL
);
INSERT INTO shop.products VALUES (1, 'thé; 100 g');
