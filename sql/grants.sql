-- Only the owner can call anything until rights are granted.
REVOKE ALL ON ALL ROUTINES IN SCHEMA migrations FROM PUBLIC;
-- Default privileges may have granted rights on these objects to others. Revoke those, too.
DO $$
DECLARE
    revoke text;
BEGIN
    FOR revoke IN
        SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', o.object, coalesce(quote_ident(r.rolname), 'PUBLIC'))
        FROM (SELECT 'SCHEMA migrations' AS object, nspacl AS acl, nspowner AS owner FROM pg_namespace WHERE nspname = 'migrations'
              UNION ALL
              SELECT format('TABLE %s', oid::regclass), relacl, relowner FROM pg_class WHERE relnamespace = 'migrations'::regnamespace
              UNION ALL
              SELECT format('ROUTINE %s', oid::regprocedure), proacl, proowner FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace) o,
            aclexplode(o.acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE a.grantee <> o.owner
    LOOP
        EXECUTE revoke;
    END LOOP;
END $$;
