-- All that an installed extension is made of, a line each: what CREATE EXTENSION and ALTER
-- EXTENSION UPDATE have to agree on. (Columns are numbered among those that are there.)
CREATE TEMP VIEW member AS
SELECT classid, objid FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_migrations');
CREATE TEMP VIEW relation AS
SELECT c.* FROM pg_class c WHERE relnamespace = 'migrations'::regnamespace;
CREATE TEMP VIEW routine AS
SELECT p.* FROM pg_proc p WHERE pronamespace = 'migrations'::regnamespace;

CREATE TEMP VIEW shape AS
SELECT 'extension' AS kind, concat_ws(' ', extversion, extrelocatable, extnamespace::regnamespace, extowner::regrole) AS line
FROM pg_extension WHERE extname = 'pg_migrations'
UNION ALL
SELECT 'config', concat_ws(' ', c.relname, quote_literal(condition))
FROM pg_extension, unnest(extconfig, extcondition) AS u(id, condition) JOIN pg_class c ON c.oid = id WHERE extname = 'pg_migrations'
UNION ALL
SELECT 'member', pg_describe_object(classid, objid, 0) FROM member
UNION ALL
SELECT 'relation', concat_ws(' ', relname, relkind, relpersistence, relrowsecurity, relforcerowsecurity, relreplident, reloptions,
    (SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid), relowner::regrole) FROM relation c
UNION ALL
SELECT 'column', concat_ws(' ', relname, row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attname,
    format_type(atttypid, atttypmod), attcollation, attnotnull, attidentity, attgenerated, attstorage, attcompression, attstattarget,
    -- (Debian's 15 keeps a number of its own there.)
    ARRAY(SELECT o FROM unnest(attoptions) o WHERE o NOT LIKE 'pg\_attver=%'), attacl, pg_get_expr(adbin, adrelid))
FROM relation c JOIN pg_attribute ON attrelid = c.oid LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'constraint', concat_ws(' ', conrelid::regclass, conname, convalidated, condeferrable, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'migrations'::regnamespace
UNION ALL
SELECT 'index', concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisreplident, indisclustered) FROM pg_index JOIN relation c ON c.oid = indrelid
UNION ALL
SELECT 'sequence', concat_ws(' ', seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle, refobjid::regclass, deptype)
FROM pg_sequence JOIN relation c ON c.oid = seqrelid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = seqrelid AND deptype IN ('a', 'i')
UNION ALL
SELECT 'view', concat_ws(' ', relname, pg_get_viewdef(oid)) FROM relation WHERE relkind = 'v'
UNION ALL
SELECT 'rule', pg_get_ruledef(r.oid) FROM pg_rewrite r JOIN relation c ON c.oid = ev_class
UNION ALL
SELECT 'policy', concat_ws(' ', polrelid::regclass, polname, polcmd, pg_get_expr(polqual, polrelid)) FROM pg_policy JOIN relation c ON c.oid = polrelid
UNION ALL
SELECT 'trigger', concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled) FROM pg_trigger t JOIN relation c ON c.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
-- With arguments and their defaults, result, volatility, settings and body.
SELECT 'function', concat_ws(' ', pg_get_functiondef(oid), procost, prorows, proowner::regrole) FROM routine
UNION ALL
SELECT 'type', concat_ws(' ', typname, typtype, typowner::regrole) FROM pg_type WHERE typnamespace = 'migrations'::regnamespace
UNION ALL
SELECT 'right', concat_ws(' ', pg_describe_object(classid, objid, 0), o.owner::regrole, coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC'), privilege_type, is_grantable)
FROM (SELECT 'pg_class'::regclass AS classid, oid AS objid, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) AS acl, relowner AS owner FROM relation WHERE relkind <> 'i'
      UNION ALL SELECT 'pg_proc'::regclass, oid, coalesce(proacl, acldefault('f', proowner)), proowner FROM routine
      UNION ALL SELECT 'pg_type'::regclass, oid, coalesce(typacl, acldefault('T', typowner)), typowner FROM pg_type WHERE typnamespace = 'migrations'::regnamespace
      UNION ALL SELECT 'pg_namespace'::regclass, oid, coalesce(nspacl, acldefault('n', nspowner)), nspowner FROM pg_namespace WHERE nspname = 'migrations') o,
    aclexplode(acl)
UNION ALL
-- What pg_dump takes for granted, and leaves out.
SELECT 'initial right', concat_ws(' ', pg_describe_object(i.classoid, i.objoid, i.objsubid), coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC'), privilege_type)
FROM pg_init_privs i JOIN member m ON (m.classid, m.objid) = (i.classoid, i.objoid), aclexplode(i.initprivs)
UNION ALL
SELECT 'comment', concat_ws(' ', pg_describe_object(d.classoid, d.objoid, d.objsubid), description)
FROM pg_description d JOIN (
    SELECT * FROM member
    UNION SELECT 'pg_extension'::regclass, oid FROM pg_extension WHERE extname = 'pg_migrations'
    UNION SELECT 'pg_class'::regclass, oid FROM relation
    UNION SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t JOIN relation c ON c.oid = tgrelid
    UNION SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE connamespace = 'migrations'::regnamespace
) m ON (m.classid, m.objid) = (d.classoid, d.objoid);
SELECT kind, replace(line, E'\n', ' ') FROM shape ORDER BY kind COLLATE "C", line COLLATE "C";
