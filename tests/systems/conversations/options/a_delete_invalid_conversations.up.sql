-- Option A: conversations with a key that is no UUID are deleted. The copy has them.
SELECT migrations.keep('conversations');
DELETE FROM conversations
WHERE id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
   OR session_id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
RETURNING id, session_id, user_id, created_at;
