-- What keep() has made, by the comments of the tables: a backup that was dropped, renamed
-- or restored by other means is listed, or not, as it is.
CREATE VIEW migrations.backups AS
SELECT c.oid::pg_catalog.regclass AS backup,
       substring(d.description FROM '(?n)^table: (.*)$') AS copied_from,
       substring(d.description FROM '(?n)^project: (.*)$') AS project,
       substring(d.description FROM '(?n)^version: (.*)$') AS version,
       substring(d.description FROM '(?n)^name: (.*)$') AS name,
       substring(d.description FROM '(?n)^direction: (.*)$') AS direction,
       substring(d.description FROM '(?n)^rows: (\d{1,18})$')::bigint AS rows,
       substring(d.description FROM '(?n)^kept at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00)$')::timestamptz AS kept_at,
       substring(d.description FROM '(?n)^kept by: (.*)$') AS kept_by,
       pg_catalog.pg_total_relation_size(c.oid) AS size
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_description d
    ON d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
WHERE n.nspname = 'migrations_backup' AND c.relkind = 'r'
  AND d.description LIKE E'backup made by pg\\_migrations\n%';
COMMENT ON VIEW migrations.backups IS 'the tables that migrations have kept with keep(), as long as they are there';
