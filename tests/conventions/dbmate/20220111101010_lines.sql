-- The lines of an order.

--migrate:up
CREATE TABLE order_lines (
  order_id int NOT NULL REFERENCES orders,
  line int NOT NULL,
  article text NOT NULL, -- migrate:down is not meant here
  PRIMARY KEY (order_id, line)
);

--  migrate:down
DROP TABLE order_lines;
