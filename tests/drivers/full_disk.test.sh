# A disk that is full: the error is clear, nothing is lost, and with more room the next call
# continues. The disk is a small file system in memory, which only root can mount.
disk=$RUN/full
mkdir "$disk"
mount -t tmpfs -o size=130m tmpfs "$disk" 2>/dev/null || { skip 'no file system in memory can be mounted'; return; }
trap 'stop_clusters; umount "$disk"' EXIT
chown "$SERVER_USER" "$disk"
server initdb -D "$disk/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null
cat >>"$disk/data/postgresql.conf" <<CONF
listen_addresses = ''
fsync = off
min_wal_size = 32MB
max_wal_size = 48MB
CONF
start_new_cluster full
export PGHOST=$disk
new_database driver_full
sql "SELECT migrations.add(n::text, 'fills', format(CASE WHEN n % 3 = 0
        THEN 'CREATE TABLE m_%1\$s (v text); INSERT INTO m_%1\$s SELECT repeat(md5(g::text), 30) FROM generate_series(1, 4000) g; CREATE INDEX CONCURRENTLY i_%1\$s ON m_%1\$s (left(v, 900)); INSERT INTO m_%1\$s VALUES (''last'')'
        ELSE 'CREATE TABLE m_%1\$s (v text); INSERT INTO m_%1\$s SELECT repeat(md5(g::text), 30) FROM generate_series(1, 4000) g; INSERT INTO m_%1\$s VALUES (''last'')' END, n))
    FROM generate_series(1, 24) n" >/dev/null
call() { "$BIN/psql" -X -q -A -t -c 'CALL migrations.apply_each()' 2>&1; }
# What is applied is there as a whole, what isn't applied or begun isn't there at all.
agrees() {
    local version
    for version in $(seq 24); do
        case $(sql "SELECT CASE WHEN EXISTS (SELECT FROM migrations.applied WHERE version = '$version') THEN 'applied'
                WHEN EXISTS (SELECT FROM migrations.journal j JOIN migrations.migration m USING (project_id, version_key) WHERE m.version = '$version') THEN 'begun' END") in
        applied) is "migration $version" 4001 "$(sql "SELECT count(*) FROM m_$version")" ;;
        # What is noted as done is there, and nothing that comes after it.
        begun) is "migration $version" t "$(sql "SELECT bool_and(CASE statement_no WHEN 1 THEN to_regclass('m_$version') IS NOT NULL WHEN 3 THEN to_regclass('i_$version') IS NOT NULL ELSE true END)
            FROM migrations.journal j JOIN migrations.migration m USING (project_id, version_key) WHERE m.version = '$version' AND is_done")" ;;
        *) is "migration $version" '' "$(sql "SELECT to_regclass('m_$version')")" ;;
        esac
    done
}
out=$(call || true)
has 'full' 'No space left on device|server closed the connection|terminating connection' "$out"
mount -o remount,size=600m "$disk"
server pg_ctl status -D "$disk/data" >/dev/null || server pg_ctl start -D "$disk/data" -w -s -l "$disk/log"
wait_for_server
done_then=$(sql 'SELECT count(*) FROM migrations.applied')
[ "$done_then" -gt 0 ] && [ "$done_then" -lt 24 ] || fail "$done_then were applied when the disk was full: $out"
agrees
out=$(call) || fail "$out"
is 'all' '24 24' "$(sql "SELECT (SELECT count(*) FROM migrations.applied), (SELECT count(*) FROM migrations.history WHERE action = 'apply' AND outcome = 'success')" | tr '|' ' ')"
agrees
is 'no index is invalid' '' "$(sql "SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT indisvalid")"
