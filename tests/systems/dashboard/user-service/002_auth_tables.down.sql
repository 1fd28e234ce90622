DROP VIEW active_sessions_summary;
DROP FUNCTION revoke_user_sessions(uuid, text);
DROP FUNCTION cleanup_expired_auth_data();
DROP TABLE email_verifications;
DROP TABLE password_resets;
DROP TABLE refresh_tokens;
DROP TABLE user_sessions;
