-- One search box for experiences and projects.

-- to_tsvector() may stand in a generated column with a fixed configuration only, and
-- array_to_string() isn't immutable, so a function says what is searched.
CREATE FUNCTION search_text(title text, description text, technologies text[]) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN setweight(to_tsvector('simple', coalesce(title, '')), 'A')
        || setweight(to_tsvector('simple', array_to_string(technologies, ' ')), 'B')
        || setweight(to_tsvector('simple', coalesce(description, '')), 'C');
END;
$$;

ALTER TABLE experiences ADD COLUMN search tsvector
    GENERATED ALWAYS AS (search_text(title, description, technologies)) STORED;
ALTER TABLE projects ADD COLUMN search tsvector
    GENERATED ALWAYS AS (search_text(title, description, technologies)) STORED;

CREATE INDEX idx_experiences_search ON experiences USING gin (search);
CREATE INDEX idx_projects_search ON projects USING gin (search);
CREATE INDEX idx_experiences_technologies ON experiences USING gin (technologies);
CREATE INDEX idx_projects_technologies ON projects USING gin (technologies);
