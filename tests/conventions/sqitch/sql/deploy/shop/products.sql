-- Deploy shop:shop/products to pg

BEGIN;

-- requires: shop
CREATE TABLE shop.products (
    id int PRIMARY KEY,
    is_sold boolean NOT NULL DEFAULT true,
    price numeric NOT NULL DEFAULT 1
);

COMMIT;
