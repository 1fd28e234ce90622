DROP FUNCTION get_model_performance(timestamptz);
DROP FUNCTION get_session_statistics(uuid, timestamptz);
DROP TABLE embeddings;
DROP TABLE ai_processing_sessions;
DROP TABLE ai_models;
DROP FUNCTION update_updated_at_column();
