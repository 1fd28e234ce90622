-- Readable addresses: /projects/face-finder instead of /projects/<uuid>.

CREATE FUNCTION slugify(title text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    RETURN trim(BOTH '-' FROM regexp_replace(lower(title), '[^a-z0-9]+', '-', 'g'));

ALTER TABLE projects ADD COLUMN slug varchar(220);

-- Two projects of one title get different slugs, the elder one the plain one.
UPDATE projects p
SET slug = slugify(p.title) || CASE WHEN n.nth > 1 THEN '-' || n.nth ELSE '' END
FROM (
    SELECT id, row_number() OVER (PARTITION BY slugify(title) ORDER BY created_at, id) AS nth
    FROM projects
) AS n
WHERE n.id = p.id;

ALTER TABLE projects ALTER COLUMN slug SET NOT NULL;
CREATE UNIQUE INDEX idx_projects_slug ON projects (slug);
