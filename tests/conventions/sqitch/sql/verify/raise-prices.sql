DO $$
BEGIN
    PERFORM shop.raise_prices(0);
END;
$$