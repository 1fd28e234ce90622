DROP FUNCTION get_storage_config(text);
DROP TABLE resumes;
DROP TABLE storage_configs;
DROP FUNCTION validate_storage_config();
DROP FUNCTION update_updated_at_column();
