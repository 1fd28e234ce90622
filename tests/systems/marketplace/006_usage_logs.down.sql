DROP FUNCTION within_rate_limit(uuid);
DROP VIEW usage_by_day;
DROP TABLE usage_logs;
