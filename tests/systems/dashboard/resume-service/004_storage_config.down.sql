DROP VIEW storage_usage;
DROP TRIGGER validate_resume_files ON resumes;
DROP FUNCTION validate_resume_file();
DROP INDEX idx_resumes_storage_user;
ALTER TABLE storage_configs
    DROP COLUMN public_base_url,
    DROP COLUMN max_files_per_user,
    DROP COLUMN max_file_size,
    DROP COLUMN allowed_mime_types;
