DROP FUNCTION validate_api_key(text);
DROP TABLE api_keys;
