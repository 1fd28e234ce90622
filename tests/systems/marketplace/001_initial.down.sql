DROP TABLE documents;
DROP TABLE users;
DROP FUNCTION set_updated_at();
