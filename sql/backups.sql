-- Lists the copies that keep() has made, by the comments of the tables. So the view shows the
-- present state even if a copy was dropped, renamed or restored by other means.
CREATE VIEW migrations.backups AS
SELECT c.oid::pg_catalog.regclass AS backup,
       substring(d.description FROM '(?n)^table: (.*)$') AS copied_from,
       substring(d.description FROM '(?n)^project: (.*)$') AS project,
       substring(d.description FROM '(?n)^version: (.*)$') AS version,
       substring(d.description FROM '(?n)^name: (.*)$') AS name,
       substring(d.description FROM '(?n)^direction: (.*)$') AS direction,
       substring(d.description FROM '(?n)^rows: ([0-9]{1,18})$')::bigint AS rows,
       (timestamp '2000-01-01' + pg_catalog.make_interval(years => t.part[1]::int - 2000,
           months => t.part[2]::int - 1, days => t.part[3]::int - 1, hours => t.part[4]::int,
           mins => t.part[5]::int, secs => t.part[6]::float8)) AT TIME ZONE 'UTC' AS kept_at,
       substring(d.description FROM '(?n)^kept by: (.*)$') AS kept_by,
       pg_catalog.pg_total_relation_size(c.oid) AS size
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_description d
    ON d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
-- No comment may raise an error, even if another user has written it: make_interval() accepts a month 99.
LEFT JOIN LATERAL pg_catalog.regexp_match(d.description,
    '(?n)^kept at: ([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}\.[0-9]{6})\+00$') AS t (part) ON true
WHERE n.nspname = 'migrations_backup' AND c.relkind = 'r'
  AND d.description LIKE E'backup made by pg\\_migrations\n%';
COMMENT ON VIEW migrations.backups IS 'the copies of tables that migrations have made with keep()';
