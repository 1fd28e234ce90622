-- migrate:up
CREATE TABLE orders (
  id serial PRIMARY KEY,
  placed_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE orders;
