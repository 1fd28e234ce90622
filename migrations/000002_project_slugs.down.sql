DROP INDEX idx_projects_slug;
ALTER TABLE projects DROP COLUMN slug;
DROP FUNCTION slugify(text);
