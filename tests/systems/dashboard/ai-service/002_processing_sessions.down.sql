DROP VIEW user_ai_activity;
DROP VIEW processing_session_summary;
DROP FUNCTION get_analysis_statistics(uuid);
DROP FUNCTION get_optimization_statistics(uuid);
DROP TABLE content_analyses;
DROP TABLE skill_analyses;
DROP TABLE job_match_analyses;
DROP TABLE resume_optimizations;
