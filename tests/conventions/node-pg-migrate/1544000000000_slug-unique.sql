---- up migration
ALTER TABLE pages ADD CONSTRAINT pages_slug_key UNIQUE (slug);

---- DOWN   MIGRATION, if need be
ALTER TABLE pages DROP CONSTRAINT pages_slug_key;
