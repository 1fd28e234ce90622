-- Up Migration
ALTER TABLE revisions ADD at timestamptz;
-- Down Migration
ALTER TABLE revisions DROP at;