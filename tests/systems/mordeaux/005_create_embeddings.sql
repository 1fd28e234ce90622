-- 512 numbers for each face, near to those of similar faces.
--
-- Where the server has the extension vector (pgvector, 0.5 or newer), it keeps and
-- indexes them. Where it hasn't, they are arrays with the same function and the same
-- operator, so that all other SQL is one:
--   cosine_distance(a, b)   a <=> b   0: same direction, 1: nothing in common, 2: opposite

CREATE TABLE embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    face_id uuid NOT NULL,
    model text NOT NULL CHECK (model <> ''),
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, face_id, model),
    FOREIGN KEY (tenant_id, face_id) REFERENCES faces (tenant_id, id) ON DELETE CASCADE
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
            CREATE EXTENSION vector;
            -- Tells the down whose it is.
            COMMENT ON EXTENSION vector IS 'installed by 005_create_embeddings';
        END IF;
        ALTER TABLE embeddings ADD COLUMN embedding vector(512) NOT NULL;
        CREATE INDEX idx_embeddings_nearest ON embeddings USING hnsw (embedding vector_cosine_ops);
    ELSE
        RAISE NOTICE 'the extension vector is not there: embeddings are arrays, and searched one by one';
        ALTER TABLE embeddings ADD COLUMN embedding real[] NOT NULL
            CONSTRAINT embeddings_512_dimensions CHECK (
                array_ndims(embedding) = 1 AND cardinality(embedding) = 512
                AND array_position(embedding, NULL) IS NULL
            );
        CREATE FUNCTION cosine_distance(a real[], b real[]) RETURNS double precision
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
        DECLARE
            product double precision;
            norms double precision;
        BEGIN
            IF cardinality(a) <> cardinality(b) THEN
                RAISE data_exception USING MESSAGE =
                    format('different vector dimensions %s and %s', cardinality(a), cardinality(b));
            END IF;
            SELECT sum(x::double precision * y), sqrt(sum(x::double precision * x)) * sqrt(sum(y::double precision * y))
            INTO product, norms FROM unnest(a, b) AS pair (x, y);
            RETURN CASE WHEN norms = 0 THEN 'NaN' ELSE 1 - greatest(-1, least(1, product / norms)) END;
        END;
        $body$;
        CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = real[], FUNCTION = cosine_distance, COMMUTATOR = <=>);
    END IF;
END
$$;

COMMENT ON TABLE embeddings IS 'what a model makes of a face';
COMMENT ON COLUMN embeddings.embedding IS '512 numbers: a vector, or an array where the server has no vectors';

CREATE INDEX idx_embeddings_tenant_model ON embeddings (tenant_id, model);
CREATE INDEX idx_embeddings_created_at ON embeddings (created_at);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON embeddings
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();

CREATE FUNCTION similar_faces(
    tenant uuid, face uuid, model text,
    at_least double precision DEFAULT 0.6, at_most integer DEFAULT 20
) RETURNS TABLE (face_id uuid, similarity double precision)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH probe AS (
        SELECT p.embedding FROM embeddings p
        WHERE p.tenant_id = tenant AND p.face_id = face AND p.model = similar_faces.model
    ), nearest AS (
        SELECT e.face_id, e.embedding <=> (SELECT probe.embedding FROM probe) AS distance
        FROM embeddings e
        WHERE e.tenant_id = tenant AND e.model = similar_faces.model AND e.face_id <> face
        ORDER BY distance LIMIT at_most
    )
    SELECT nearest.face_id, 1 - nearest.distance FROM nearest
    WHERE 1 - nearest.distance >= at_least
    ORDER BY nearest.distance, nearest.face_id;
END;
COMMENT ON FUNCTION similar_faces(uuid, uuid, text, double precision, integer)
    IS 'a tenant''s faces that a model finds similar to one of them, the most similar first';
