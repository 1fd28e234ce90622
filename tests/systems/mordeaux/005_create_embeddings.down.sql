DROP FUNCTION similar_faces(uuid, uuid, text, double precision, integer);
DROP TABLE embeddings;
DROP OPERATOR IF EXISTS <=> (real[], real[]);
DROP FUNCTION IF EXISTS cosine_distance(real[], real[]);

-- The extension goes if this migration has brought it and nothing else uses it.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_extension
        WHERE extname = 'vector' AND obj_description(oid, 'pg_extension') = 'installed by 005_create_embeddings'
    ) THEN
        DROP EXTENSION vector;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE NOTICE 'the extension vector stays: %', SQLERRM;
END
$$;
