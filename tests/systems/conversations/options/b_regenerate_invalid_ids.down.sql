UPDATE conversations c SET id = m.old_id
FROM conversation_id_map m WHERE m.kind = 'conversation' AND m.new_id::text = c.id;
UPDATE conversations c SET session_id = m.old_id
FROM conversation_id_map m WHERE m.kind = 'session' AND m.new_id::text = c.session_id;
DROP TABLE conversation_id_map;
