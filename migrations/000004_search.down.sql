DROP INDEX idx_projects_technologies;
DROP INDEX idx_experiences_technologies;
ALTER TABLE projects DROP COLUMN search;
ALTER TABLE experiences DROP COLUMN search;
DROP FUNCTION search_text(text, text, text[]);
