-- migrate:up
CREATE VIEW order_sizes AS
  SELECT order_id, count(*) AS lines FROM order_lines GROUP BY order_id;

-- migrate:down
DROP VIEW order_sizes;

-- migrate:up
CREATE FUNCTION size_of(wanted int) RETURNS bigint LANGUAGE sql AS $$
  SELECT lines FROM order_sizes WHERE order_id = wanted;
$$;

-- migrate:down
DROP FUNCTION IF EXISTS size_of;
