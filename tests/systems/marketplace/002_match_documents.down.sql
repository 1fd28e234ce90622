DROP FUNCTION match_documents(vector, double precision, integer, jsonb);
ALTER TABLE documents DROP COLUMN embedding;
