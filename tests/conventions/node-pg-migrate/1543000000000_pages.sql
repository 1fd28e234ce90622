-- Up Migration
CREATE TABLE pages (id serial PRIMARY KEY, slug text NOT NULL);

-- Down Migration
DROP TABLE pages;
