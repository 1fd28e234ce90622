DROP FUNCTION shop.raise(numeric);
ALTER TABLE shop.products DROP COLUMN price;
