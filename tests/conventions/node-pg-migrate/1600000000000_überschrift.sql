-- Up Migration
ALTER TABLE pages ADD heading text;

-- Down Migration
ALTER TABLE pages DROP heading;
