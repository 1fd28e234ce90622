ALTER TABLE conversations
    ALTER COLUMN id DROP DEFAULT,
    ALTER COLUMN id TYPE text USING id::text,
    ALTER COLUMN id SET DEFAULT gen_random_uuid()::text,
    ALTER COLUMN session_id TYPE text USING session_id::text;

-- A UUID is written in lower case; the keys are to be spelled as they were.
UPDATE conversations c SET id = b.id, session_id = b.session_id
FROM migrations_backup.conversations__default_000002 b
WHERE c.id = lower(b.id)
  AND c.session_id IS NOT DISTINCT FROM lower(b.session_id)
  AND (c.id, c.session_id) IS DISTINCT FROM (b.id, b.session_id);
