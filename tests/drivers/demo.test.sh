# make demo does what it says, stops what it has started, and leaves no files.
before=$(ls "${TMPDIR:-/tmp}" | grep -c '^pg_migrations\.' || true)
out=$(env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE "$ROOT/tests/tools/demo" 2>&1) || fail "$out"
has 'registered' '^000006_soft_delete_cascade.up.sql added$' "$out"
has 'pending' ' 000001  \| init_schema +\| pending +\| t' "$out"
has 'applied' ' 000006  \| soft_delete_cascade \| applied +\|' "$out"
has 'a table' ' public \| analytics_events  \| table' "$out"
has 'a second time' 'nothing to do: project default is at version 000006' "$out"
has 'rolled back' ' 1 \| 000006  \| soft_delete_cascade \| down' "$out"
has 'history' ' 20 \| 000005  \| rollback \| success' "$out"
lacks 'no errors' 'ERROR' "$out"
is 'no folder is left' "$before" "$(ls "${TMPDIR:-/tmp}" | grep -c '^pg_migrations\.' || true)"
