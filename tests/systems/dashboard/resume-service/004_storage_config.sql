-- What a storage takes: types of files, their size, and how many of a user.

ALTER TABLE storage_configs
    ADD COLUMN allowed_mime_types text[] NOT NULL DEFAULT
        '{application/pdf,application/vnd.openxmlformats-officedocument.wordprocessingml.document,text/plain}',
    ADD COLUMN max_file_size bigint NOT NULL DEFAULT 10485760,
    ADD COLUMN max_files_per_user int,
    ADD COLUMN public_base_url text,
    ADD CONSTRAINT storage_configs_mime_types_given CHECK (cardinality(allowed_mime_types) > 0),
    ADD CONSTRAINT storage_configs_max_file_size_valid CHECK (max_file_size BETWEEN 1 AND 104857600),
    ADD CONSTRAINT storage_configs_max_files_valid CHECK (max_files_per_user > 0),
    ADD CONSTRAINT storage_configs_url_valid CHECK (public_base_url ~ '^https://');
COMMENT ON COLUMN storage_configs.max_file_size IS 'bytes; 100 MiB is the most that any storage takes';
COMMENT ON COLUMN storage_configs.max_files_per_user IS 'NULL: any number';
CREATE INDEX idx_storage_configs_mime_types ON storage_configs USING gin (allowed_mime_types);
CREATE INDEX idx_resumes_storage_user ON resumes (storage_config_id, user_id) WHERE deleted_at IS NULL;

UPDATE storage_configs SET max_file_size = 5242880, max_files_per_user = 20 WHERE provider = 'railway';
UPDATE storage_configs SET public_base_url = 'https://job-dashboard-resumes.s3.amazonaws.com' WHERE provider = 's3';

CREATE FUNCTION validate_resume_file() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    storage storage_configs;
    files bigint;
BEGIN
    SELECT * INTO storage FROM storage_configs WHERE id = NEW.storage_config_id;
    IF NOT FOUND THEN
        RETURN NEW;  -- the foreign key will say so
    END IF;
    IF NEW.mime_type <> ALL (storage.allowed_mime_types) THEN
        RAISE EXCEPTION 'storage % takes no files of type %', storage.name, NEW.mime_type
            USING ERRCODE = 'check_violation', HINT = 'It takes ' || array_to_string(storage.allowed_mime_types, ', ') || '.';
    ELSIF NEW.file_size > storage.max_file_size THEN
        RAISE EXCEPTION 'the file has % bytes, and storage % takes % at most', NEW.file_size, storage.name, storage.max_file_size
            USING ERRCODE = 'check_violation';
    ELSIF storage.max_files_per_user IS NOT NULL THEN
        SELECT count(*) INTO files FROM resumes
        WHERE storage_config_id = storage.id AND user_id = NEW.user_id AND id <> NEW.id AND deleted_at IS NULL;
        IF files >= storage.max_files_per_user THEN
            RAISE EXCEPTION 'storage % takes % files of a user at most', storage.name, storage.max_files_per_user
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION validate_resume_file() IS 'trigger: type, size and number of files as the storage allows';
CREATE TRIGGER validate_resume_files
    BEFORE INSERT OR UPDATE OF storage_config_id, mime_type, file_size ON resumes
    FOR EACH ROW WHEN (NEW.storage_config_id IS NOT NULL) EXECUTE FUNCTION validate_resume_file();

CREATE VIEW storage_usage AS
SELECT s.id AS storage_config_id,
       s.name,
       s.provider,
       s.is_active,
       count(r.id) AS files,
       count(DISTINCT r.user_id) AS users,
       coalesce(sum(r.file_size), 0) AS bytes
FROM storage_configs s
LEFT JOIN resumes r ON r.storage_config_id = s.id AND r.deleted_at IS NULL
GROUP BY s.id;
COMMENT ON VIEW storage_usage IS 'files and bytes in each storage';
