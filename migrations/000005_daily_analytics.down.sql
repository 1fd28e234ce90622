DROP FUNCTION roll_up_analytics(date);
DROP TABLE daily_analytics;
