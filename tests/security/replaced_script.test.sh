# Attack: a role that may register migrations, and nothing else, replaces or adds a script of a
# migration that a superuser has applied, and waits until the superuser verifies, rolls back,
# looks or goes on. It must fail: no such script runs before somebody accepts it, each call says
# what has changed, and the author is no superuser at the end.

new_database security_replaced_script
sql "DROP ROLE IF EXISTS sneaky; CREATE ROLE sneaky LOGIN; GRANT USAGE ON SCHEMA migrations TO sneaky;
    GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO sneaky"
trap 'sql "DROP OWNED BY sneaky; DROP ROLE sneaky" >/dev/null' EXIT
evil="ALTER ROLE sneaky SUPERUSER"

n=0
for script in up down precondition verify; do
    for had in all none; do
        n=$((n + 1))
        all="up => 'SELECT 1', down => 'SELECT 1', precondition => 'SELECT true', verify => 'SELECT true'"
        [ "$had" = all ] || all="up => 'SELECT 1'"
        [ "$script $had" != 'up none' ] || continue
        sql "DROP EXTENSION pg_migrations; CREATE EXTENSION pg_migrations; GRANT USAGE ON SCHEMA migrations TO sneaky;
            GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO sneaky;
            SELECT migrations.add('001', 'a', $all); SELECT migrations.apply();" >/dev/null
        # An argument may be given only once.
        rest=$(sed "s/$script => '[^']*'\(, \)\?//; s/, $//" <<<"$all")
        PGUSER=sneaky sql "SELECT migrations.add('001', 'a', ${rest:+$rest, }$script => '$evil', replace => true)" >/dev/null
        case $script-$had in
            verify-*) ok=false ;;
            *-all) ok=true ;;
            *) ok=none ;;
        esac
        is "verify beside $script of $had" "$ok" "$(sql "SELECT coalesce(string_agg(ok::text, ' '), 'none') FROM migrations.verify('001')")"
        state=$(sql "SELECT state || ' ' || checksum_ok FROM migrations.status()")
        if [ "$had" = all ]; then is 'replaced' 'modified false' "$state"; else is 'added' 'applied false' "$state"; fi
        # The rollback comes last: what is pending again runs as it is registered.
        for call in 'SELECT * FROM migrations.plan()' 'SELECT * FROM migrations.verify()' \
            'SELECT * FROM migrations.apply()' 'SELECT * FROM migrations.apply_all()' 'CALL migrations.apply_each()' \
            'SELECT * FROM migrations.rollback()' ; do
            sql "$call" >/dev/null 2>&1 || true
            is "after $call with $script of $had" f "$(sql "SELECT rolsuper FROM pg_roles WHERE rolname = 'sneaky'")"
        done
    done
done
is 'all were tried' 8 "$n"
