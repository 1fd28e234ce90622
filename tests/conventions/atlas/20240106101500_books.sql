-- atlas:delimiter -- end
-- The delimiter is for the function.
CREATE TABLE books (id bigint PRIMARY KEY, author bigint REFERENCES authors, price numeric)
-- end
CREATE FUNCTION no_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.price := coalesce(NEW.price, 0);
    RETURN NEW;
END
$$;
-- end
CREATE TRIGGER no_price BEFORE INSERT ON books FOR EACH ROW EXECUTE FUNCTION no_price();
