INSERT INTO conversations SELECT b.*
FROM migrations_backup."conversations__default_000001.1" b
WHERE NOT EXISTS (SELECT FROM conversations c WHERE c.id = b.id)
  AND (b.id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
       OR b.session_id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$');
