-- Down Migration
DROP TABLE revisions;
-- Up Migration
CREATE TABLE revisions (page int NOT NULL REFERENCES pages, body text);
