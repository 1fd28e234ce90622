DROP FUNCTION is_allowed(uuid, text, jsonb, timestamptz);
DROP TABLE policies;
