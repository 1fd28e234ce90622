-- Verify shop:shop/products on pg

BEGIN;

SELECT is_sold, id, price
  FROM shop.products
 WHERE FALSE;

ROLLBACK;
