-- Resumes, and where their files are.

CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION update_updated_at_column() IS 'trigger: sets updated_at to the time of the transaction';

CREATE TABLE storage_configs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(100) NOT NULL UNIQUE,
    provider varchar(20) NOT NULL,
    config jsonb NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    is_default boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT storage_configs_provider_valid CHECK (provider IN ('s3', 'railway', 'local')),
    CONSTRAINT storage_configs_default_active CHECK (is_active OR NOT is_default)
);
COMMENT ON TABLE storage_configs IS 'storage providers; credentials are in the service''s environment, not here';
COMMENT ON COLUMN storage_configs.config IS 's3: bucket, region; railway: volume; local: path';
CREATE UNIQUE INDEX idx_storage_configs_default ON storage_configs (is_default) WHERE is_default;
CREATE INDEX idx_storage_configs_provider ON storage_configs (provider) WHERE is_active;

CREATE TABLE resumes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    title varchar(200) NOT NULL,
    storage_config_id uuid REFERENCES storage_configs (id),
    file_name varchar(255),
    file_path text,
    file_size bigint,
    mime_type varchar(100),
    content jsonb NOT NULL DEFAULT '{}',
    ai_analysis jsonb,
    quality_score numeric(5, 2),
    processing_status varchar(20) NOT NULL DEFAULT 'pending',
    processing_error text,
    is_primary boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT resumes_file_size_valid CHECK (file_size > 0),
    CONSTRAINT resumes_file_complete CHECK (num_nulls(storage_config_id, file_name, file_path, file_size, mime_type) IN (0, 5)),
    CONSTRAINT resumes_content_object CHECK (jsonb_typeof(content) = 'object'),
    CONSTRAINT resumes_quality_score_valid CHECK (quality_score BETWEEN 0 AND 100),
    CONSTRAINT resumes_status_valid CHECK (processing_status IN ('pending', 'processing', 'completed', 'failed')),
    CONSTRAINT resumes_error_of_failure CHECK ((processing_error IS NOT NULL) = (processing_status = 'failed'))
);
COMMENT ON TABLE resumes IS 'a resume: the uploaded file, if any, and its content by section';
COMMENT ON COLUMN resumes.user_id IS 'of the user service, which has a database of its own: no foreign key';
COMMENT ON COLUMN resumes.content IS 'an object with a key per section: summary, experience, skills, ...';
CREATE INDEX idx_resumes_user_id ON resumes (user_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX idx_resumes_primary ON resumes (user_id) WHERE is_primary AND deleted_at IS NULL;
CREATE INDEX idx_resumes_storage_config_id ON resumes (storage_config_id);
CREATE INDEX idx_resumes_status ON resumes (processing_status) WHERE processing_status <> 'completed';
CREATE INDEX idx_resumes_created_at ON resumes (created_at);
CREATE INDEX idx_resumes_content ON resumes USING gin (content jsonb_path_ops);

CREATE TRIGGER update_storage_configs_updated_at BEFORE UPDATE ON storage_configs
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_resumes_updated_at BEFORE UPDATE ON resumes
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE FUNCTION validate_storage_config() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    needed text[] := CASE NEW.provider
        WHEN 's3' THEN '{bucket,region}' WHEN 'railway' THEN '{volume}' ELSE '{path}' END;
    missing text[];
BEGIN
    SELECT array_agg(key) INTO missing FROM unnest(needed) key WHERE coalesce(NEW.config ->> key, '') = '';
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation',
            MESSAGE = format('storage %s (%s) lacks %s', NEW.name, NEW.provider, array_to_string(missing, ', ')),
            COLUMN = 'config', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION validate_storage_config() IS 'trigger: each provider needs settings of its own';
CREATE TRIGGER validate_storage_configs BEFORE INSERT OR UPDATE OF provider, config ON storage_configs
    FOR EACH ROW EXECUTE FUNCTION validate_storage_config();

CREATE FUNCTION get_storage_config(p_name text DEFAULT NULL)
RETURNS SETOF storage_configs LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT * FROM storage_configs
    WHERE is_active AND CASE WHEN p_name IS NULL THEN is_default ELSE name = p_name END
$$;
COMMENT ON FUNCTION get_storage_config(text) IS 'the active storage of this name, or the default one';

INSERT INTO storage_configs (name, provider, config, is_active, is_default) VALUES
    ('local', 'local', '{"path": "/var/lib/resumes"}', true, true),
    ('railway', 'railway', '{"volume": "resume-storage"}', true, false),
    ('s3', 's3', '{"bucket": "job-dashboard-resumes", "region": "us-east-1"}', false, false);
