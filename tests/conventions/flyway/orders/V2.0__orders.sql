CREATE TABLE shop.orders (
    id int PRIMARY KEY,
    product int NOT NULL REFERENCES shop.products
);
