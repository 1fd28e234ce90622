-- Reads only. Its rows are the report that the caller of apply sees in messages.
SELECT finding, value
FROM (
    SELECT 1 AS n, 'column ' || column_name AS finding, data_type AS value, ordinal_position AS place
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = 'conversations'
      AND column_name IN ('id', 'session_id', 'question', 'response', 'preview')
    UNION ALL
    SELECT 2, 'conversations', count(*)::text, 1 FROM conversations
    UNION ALL
    SELECT 3, 'ids that are no UUIDs', count(*)::text, 1 FROM conversations
    WHERE id::text !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    UNION ALL
    SELECT 3, 'session ids that are no UUIDs', count(*)::text, 2 FROM conversations
    WHERE session_id::text !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
) report
ORDER BY n, place;
