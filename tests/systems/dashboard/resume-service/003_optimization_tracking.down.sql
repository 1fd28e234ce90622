DROP VIEW resume_analytics;
DROP VIEW optimization_performance;
DROP FUNCTION get_resume_optimization_history(uuid, int);
DROP FUNCTION get_optimization_statistics(uuid);
DROP TABLE optimization_feedback;
DROP TABLE resume_analyses;
DROP TABLE resume_optimizations;
