-- after 9, not after 1
ALTER TABLE cars ALTER COLUMN brand SET DEFAULT 1;
