-- Up Migration
ALTER TABLE pages ADD footer text;
-- Down Migration
ALTER TABLE pages DROP footer;
