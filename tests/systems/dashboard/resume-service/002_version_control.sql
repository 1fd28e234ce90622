-- Each state of a resume is kept, and what changed from one to the next.

ALTER TABLE resumes ADD COLUMN current_version int NOT NULL DEFAULT 0;
COMMENT ON COLUMN resumes.current_version IS 'number of the newest version; set by a trigger';

CREATE TABLE resume_versions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    resume_id uuid NOT NULL REFERENCES resumes (id) ON DELETE CASCADE,
    version_number int NOT NULL,
    content jsonb NOT NULL,
    change_summary text,
    source varchar(20) NOT NULL DEFAULT 'manual',
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resume_versions_number_unique UNIQUE (resume_id, version_number),
    CONSTRAINT resume_versions_number_valid CHECK (version_number > 0),
    CONSTRAINT resume_versions_source_valid CHECK (source IN ('initial', 'manual', 'optimization', 'import'))
);
COMMENT ON TABLE resume_versions IS 'all states of a resume; version 1 is made with it';
CREATE INDEX idx_resume_versions_created_at ON resume_versions (resume_id, created_at DESC);
CREATE INDEX idx_resume_versions_created_by ON resume_versions (created_by);
CREATE INDEX idx_resume_versions_source ON resume_versions (source);

CREATE TABLE resume_version_changes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    version_id uuid NOT NULL REFERENCES resume_versions (id) ON DELETE CASCADE,
    section varchar(100) NOT NULL,
    change_type varchar(10) NOT NULL,
    old_value jsonb,
    new_value jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resume_version_changes_once UNIQUE (version_id, section),
    CONSTRAINT resume_version_changes_values CHECK (CASE change_type
        WHEN 'added' THEN old_value IS NULL AND new_value IS NOT NULL
        WHEN 'removed' THEN old_value IS NOT NULL AND new_value IS NULL
        WHEN 'modified' THEN old_value <> new_value
        ELSE false END)
);
COMMENT ON TABLE resume_version_changes IS 'the sections in which a version differs from the one before';
CREATE INDEX idx_resume_version_changes_section ON resume_version_changes (section, change_type);

CREATE FUNCTION number_resume_version() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- The row lock makes writers of one resume queue up, so that no number is given twice.
    UPDATE resumes SET current_version = current_version + 1
    WHERE id = NEW.resume_id
    RETURNING current_version INTO NEW.version_number;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION number_resume_version() IS 'trigger: a new version gets the next number of its resume';
CREATE TRIGGER number_resume_versions BEFORE INSERT ON resume_versions
    FOR EACH ROW WHEN (NEW.version_number IS NULL) EXECUTE FUNCTION number_resume_version();

CREATE FUNCTION create_initial_resume_version() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO resume_versions (resume_id, content, change_summary, source, created_by)
    VALUES (NEW.id, NEW.content, 'Initial version', 'initial', NEW.user_id);
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION create_initial_resume_version() IS 'trigger: version 1 of a new resume';
CREATE TRIGGER create_initial_resume_versions AFTER INSERT ON resumes
    FOR EACH ROW EXECUTE FUNCTION create_initial_resume_version();

CREATE FUNCTION compare_resume_versions(p_resume_id uuid, p_from int, p_to int)
RETURNS TABLE (section text, change_type text, old_value jsonb, new_value jsonb)
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    old_content jsonb;
    new_content jsonb;
BEGIN
    SELECT content INTO old_content FROM resume_versions WHERE resume_id = p_resume_id AND version_number = p_from;
    SELECT content INTO new_content FROM resume_versions WHERE resume_id = p_resume_id AND version_number = p_to;
    IF old_content IS NULL OR new_content IS NULL THEN
        RAISE EXCEPTION 'resume % has no version %', p_resume_id, CASE WHEN old_content IS NULL THEN p_from ELSE p_to END
            USING ERRCODE = 'no_data_found';
    END IF;
    RETURN QUERY
    SELECT coalesce(o.key, n.key),
           CASE WHEN o.key IS NULL THEN 'added' WHEN n.key IS NULL THEN 'removed' ELSE 'modified' END,
           o.value, n.value
    FROM jsonb_each(old_content) o
    FULL JOIN jsonb_each(new_content) n ON n.key = o.key
    WHERE o.value IS DISTINCT FROM n.value
    ORDER BY 1;
END;
$$;
COMMENT ON FUNCTION compare_resume_versions(uuid, int, int) IS 'the sections in which two versions differ';

CREATE FUNCTION create_resume_version(p_resume_id uuid, p_content jsonb, p_summary text DEFAULT NULL,
    p_created_by uuid DEFAULT NULL, p_source text DEFAULT 'manual')
RETURNS int LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    former int;
    made resume_versions;
BEGIN
    SELECT current_version INTO former FROM resumes WHERE id = p_resume_id AND content <> p_content FOR UPDATE;
    IF NOT FOUND THEN
        -- Nothing has changed, so there is no new version.
        SELECT current_version INTO former FROM resumes WHERE id = p_resume_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'resume % does not exist', p_resume_id USING ERRCODE = 'no_data_found';
        END IF;
        RETURN former;
    END IF;
    INSERT INTO resume_versions (resume_id, content, change_summary, source, created_by)
    VALUES (p_resume_id, p_content, p_summary, p_source, p_created_by)
    RETURNING * INTO made;
    INSERT INTO resume_version_changes (version_id, section, change_type, old_value, new_value)
    SELECT made.id, c.section, c.change_type, c.old_value, c.new_value
    FROM compare_resume_versions(p_resume_id, former, made.version_number) c;
    UPDATE resumes SET content = p_content WHERE id = p_resume_id;
    RETURN made.version_number;
END;
$$;
COMMENT ON FUNCTION create_resume_version(uuid, jsonb, text, uuid, text) IS 'stores a new state of a resume and what changed; gives its number, or that of the current version if nothing did';

CREATE FUNCTION get_resume_version_history(p_resume_id uuid)
RETURNS TABLE (version_number int, source text, change_summary text, changes bigint, created_at timestamptz)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT v.version_number, v.source, v.change_summary, count(c.id), v.created_at
    FROM resume_versions v
    LEFT JOIN resume_version_changes c ON c.version_id = v.id
    WHERE v.resume_id = p_resume_id
    GROUP BY v.id
    ORDER BY v.version_number DESC
$$;
COMMENT ON FUNCTION get_resume_version_history(uuid) IS 'all versions of a resume, the newest first';

CREATE VIEW resume_version_summary AS
SELECT r.id AS resume_id,
       r.user_id,
       r.title,
       r.current_version,
       count(v.id) AS versions,
       count(v.id) FILTER (WHERE v.source = 'optimization') AS optimized_versions,
       min(v.created_at) AS first_version_at,
       max(v.created_at) AS last_version_at
FROM resumes r
LEFT JOIN resume_versions v ON v.resume_id = r.id
WHERE r.deleted_at IS NULL
GROUP BY r.id;
COMMENT ON VIEW resume_version_summary IS 'resumes with the number of their versions';

-- The resumes that are there already get their version 1.
INSERT INTO resume_versions (resume_id, content, change_summary, source, created_by)
SELECT id, content, 'Initial version', 'initial', user_id FROM resumes ORDER BY created_at, id;
