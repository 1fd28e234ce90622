CREATE FUNCTION shop.raise_prices(percent numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE shop.products SET price = price * (1 + percent / 100);
END;
$$;