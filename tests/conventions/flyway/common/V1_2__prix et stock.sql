ALTER TABLE shop.products ADD COLUMN price numeric NOT NULL DEFAULT 1;

CREATE FUNCTION shop.raise(percent numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE shop.products SET price = price * (1 + percent / 100);
END;
$$;

SELECT shop.raise(10);