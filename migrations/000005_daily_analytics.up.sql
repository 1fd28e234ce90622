-- Figures of a day are kept when the events of that day are deleted after a year.

CREATE TABLE daily_analytics (
    day date NOT NULL,
    event_type varchar(50) NOT NULL,
    events bigint NOT NULL,
    visitors bigint NOT NULL,
    PRIMARY KEY (day, event_type)
);
COMMENT ON TABLE daily_analytics IS 'events per day and type, made by roll_up_analytics()';

CREATE FUNCTION roll_up_analytics(before date) RETURNS bigint AS $$
DECLARE
    moved bigint;
BEGIN
    INSERT INTO daily_analytics AS d (day, event_type, events, visitors)
    SELECT (created_at AT TIME ZONE 'UTC')::date, event_type, count(*), count(DISTINCT visitor_id)
    FROM analytics_events
    WHERE created_at < before::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1, 2
    ON CONFLICT (day, event_type) DO UPDATE
        SET events = d.events + excluded.events, visitors = d.visitors + excluded.visitors;

    DELETE FROM analytics_events WHERE created_at < before::timestamp AT TIME ZONE 'UTC';
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END;
$$ LANGUAGE plpgsql;
COMMENT ON FUNCTION roll_up_analytics(date) IS 'adds all events before a day to daily_analytics and deletes them; gives their number';
