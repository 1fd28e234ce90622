# Names hold only visible characters: a name must not look like another one, move a terminal's
# cursor, fake a line of a message, or be longer than a limit. Invisible characters that get into
# messages are shown by their numbers.
new_database security_names
not() { # what code-point call
    local out
    out=$(error_of sql "SELECT $3")
    has "$1" "ERROR:  (file|invalid) " "$out"
    has "$1" "U\\+$2" "$out"
    lacks "$1: shown as it is" $'\033|\u202e|\u200b' "$out"
    is "$1: SQLSTATE" 22023 "$("$BIN/psql" -X -q -A -t -v VERBOSITY=sqlstate -c "SELECT $3" 2>&1 | sed -n 's/^ERROR:  //p')"
}
for code in 0009 000A 001B 007F 0085 00AD 061C 180E 200B 200D 200E 200F 2028 2029 202A 202E 2060 2064 2066 2069 FEFF; do
    c="\\u$code"
    not "a version with $code" "$code" "migrations.add(E'1${c}2', 'x', 'SELECT 1')"
    not "a name with $code" "$code" "migrations.add('1', E'x${c}y', 'SELECT 1')"
done
c='\u202E'
not 'a repeatable' 202E "migrations.add_repeatable(E'x${c}y', 'SELECT 1')"
not 'a project' 202E "migrations.add('1', 'x', 'SELECT 1', project => E'p${c}')"
not 'a project that is looked at' 202E "count(*) FROM migrations.status(E'p${c}')"
not 'the setting' 202E "count(set_config('migrations.project', E'p${c}', false)); SELECT count(*) FROM migrations.status()"
not 'a variable' 202E "migrations.set_variable(E'v${c}', 'x')"
not 'a requirement' 202E "migrations.add('1', 'x', 'SELECT 1', requires => ARRAY[E'0${c}1'])"
not 'of another project' 202E "migrations.add('1', 'x', 'SELECT 1', requires => ARRAY[E'p${c}:1'])"
not 'an extension' 202E "migrations.add('1', 'x', 'SELECT 1', requires => ARRAY[E'extension:a${c}'])"
not 'a target' 202E "count(*) FROM migrations.apply(E'1${c}')"
not 'a file' 202E "migrations.add_file(E'001_a${c}.sql', 'SELECT 1')"
not 'a file with a name within' 202E "count(*) FROM migrations.add_files(ARRAY[E'V1__a${c}.sql'], ARRAY['SELECT 1'], convention => 'flyway')" || true
bundle() { echo "count(*) FROM migrations.import_bundle(jsonb_build_object('format', 1, 'project', 'b', $1))"; }
not 'a migration of a bundle' 202E "$(bundle "'migrations', jsonb_build_array(jsonb_build_object('version', '1', 'name', E'a${c}', 'up', 'SELECT 1'))")"
not 'a version of a bundle' 202E "$(bundle "'migrations', jsonb_build_array(jsonb_build_object('version', E'1${c}', 'name', 'a', 'up', 'SELECT 1'))")"
not 'a variable of a bundle' 202E "$(bundle "'variables', jsonb_build_array(E'v${c}'), 'migrations', '[]'::jsonb")"
not 'a secret of a bundle' 001B "$(bundle "'secrets', jsonb_build_array(E'v\\x1b[2J'), 'migrations', '[]'::jsonb")"
not 'a line of its own in a NOTICE' 000A "$(bundle "'variables', jsonb_build_array(E'v\nERROR:  all is lost'), 'migrations', '[]'::jsonb")"
is 'nothing is there' 0 "$(sql 'SELECT count(*) FROM migrations.migration')"

# lengths, in characters of any width
is '500' added "$(sql "SELECT migrations.add('1', repeat('ä', 500), 'SELECT 1')")"
out=$(error_of sql "SELECT migrations.add('2', repeat('ä', 501), 'SELECT 1')")
has '501' 'DETAIL:  It has 501 characters, more than 500\.' "$out"
at_most 'the length of the message about a name' 499 "${#out}"
out=$(error_of sql "SELECT migrations.add(repeat('1', 100000), 'x', 'SELECT 1')")
at_most 'the length of the message about a version' 499 "${#out}"
error_of sql "SELECT migrations.set_variable(repeat('v', 501), 'x')" >/dev/null
error_of sql "SELECT migrations.add_file('001_' || repeat('x', 501) || '.sql', 'SELECT 1')" >/dev/null

# what can be seen is a name, in any script
for name in 'Benutzer löschen' 'お客様' 'пользователи' 'משתמשים' 'a—b “c” 50%' "it's \"quoted\" \\ \$x\$"; do
    is "$name" added "$("$BIN/psql" -X -q -A -t -v n="$name" <<<"SELECT migrations.add('s' || md5(:'n'), :'n', 'SELECT 1')")"
done
# texts of others in our messages
out=$(sql "SELECT * FROM migrations.load(E'/no\\x1b[2J\\u202Ewhere')" 2>&1) || true
has 'a folder' 'cannot read "/no\\u\{1b\}\[2J\\u\{202e\}where"' "$out"
