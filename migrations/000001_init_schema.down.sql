DROP TABLE analytics_events;
DROP TABLE generated_letters;
DROP TABLE visitors;
DROP TABLE projects;
DROP TABLE skills;
DROP TABLE experiences;

DROP FUNCTION update_updated_at_column();

DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I RESET timezone', current_database());
END
$$;
