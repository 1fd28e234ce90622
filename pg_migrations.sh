#!/bin/sh
# Carries a folder of migration files from a client's machine into the registry of
# pg_migrations, and makes new ones. Needs a POSIX shell and, for load, psql.
set -eu

usage() {
    cat <<'USAGE'
usage: pg_migrations.sh load DIRECTORY [-p PROJECT] [-r]
       pg_migrations.sh sql  DIRECTORY [-p PROJECT] [-r]
       pg_migrations.sh new  DIRECTORY NAME

load  registers all .sql files of the folder in one transaction: all of them, or none
sql   prints the SQL that does the same, to paste into a web SQL editor
new   makes the next pair of files, NNN_NAME.up.sql and NNN_NAME.down.sql

  -p PROJECT  the project; without it, the one that the setting migrations.project names
  -r          replaces texts that are registered already with other ones

load connects as psql does, by PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD and the like;
where one of these isn't set, by DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD. It
waits for a server that is starting, WAIT seconds (30) at most.
USAGE
}

die() {
    printf 'pg_migrations.sh: %s\n' "$1" >&2
    exit 1
}

misused() {
    usage >&2
    exit 2
}

# Why a file can't be taken as a text; nothing if it can.
defect() {
    if [ ! -r "$directory/$1" ]; then echo 'it cannot be read'
    elif [ "$(tr -cd '\000' <"$directory/$1" | wc -c)" -ne 0 ]; then echo 'it holds a NUL byte'
    fi
}

check_files() {
    list=$(files)
    [ -n "$list" ] || die "\"$directory\" holds no .sql files"
    # Without -r the second of two is refused; with it, it would replace the first.
    [ -n "$replace" ] || return 0
    twice=$(printf '%s\n' "$list" | sed -n 's/^0*\([0-9]*\)_.*\.down\.sql$/\1 down/p; t
        s/^0*\([0-9]*\)_.*\.sql$/\1 up/p' | sort | uniq -d | head -n 1)
    [ -z "$twice" ] || die "two files of \"$directory\" hold the ${twice#* } of version ${twice%% *}"
}

# The .sql files of the folder, a name a line, in the order of their numbers.
files() {
    (cd "$directory" && for file in *.sql; do
        if [ -f "$file" ]; then printf '%s\n' "$file"; fi
    done) | LC_ALL=C sort -n
}

# A text from the standard input as a literal of SQL: between dollar quotes that don't
# stand in it, so that it stays readable and nothing in it has to be changed.
literal() {
    text=$(cat && printf x)
    text=${text%x}
    tag=migration
    while case $text in *"\$$tag"*) true ;; *) false ;; esac; do tag=${tag}_; done
    printf '$%s$%s$%s$' "$tag" "$text" "$tag"
}

print_sql() {
    check_files
    printf '%s\n' "$list" | while IFS= read -r file; do
        why=$(defect "$file")
        [ -z "$why" ] || die "\"$directory/$file\": $why"
    done || exit 1
    printf 'SELECT file, migrations.add_file(file, content'
    if [ -n "$project" ]; then printf ', project => %s' "$(printf %s "$project" | literal)"; fi
    if [ -n "$replace" ]; then printf ', replace => true'; fi
    printf ') AS result\nFROM (VALUES\n'
    n=0
    files | while IFS= read -r file; do
        n=$((n + 1))
        [ "$n" = 1 ] || printf ',\n'
        printf '(%s, ' "$n"
        printf %s "$file" | literal
        printf ', '
        literal <"$directory/$file"
        printf ')'
    done
    printf '\n) AS files (n, file, content)\nORDER BY n;\n'
}

# The same for psql, which reads the files itself: of any size, and each with an error of
# its own.
psql_script() {
    cat <<'SCRIPT'
\set QUIET on
\set ON_ERROR_STOP off
\set ON_ERROR_ROLLBACK on
\set refused false
BEGIN;
SCRIPT
    files | while IFS= read -r file; do
        printf "\\\\set file '%s'\n" "$(printf %s "$file" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"
        why=$(defect "$file")
        if [ -n "$why" ]; then
            printf "\\\\warn 'ERROR: ' :file ': %s'\n\\\\echo :file refused\n\\\\set refused true\n" "$why"
            continue
        fi
        cat <<'SCRIPT'
\unset content
\set content `cat < "$PG_MIGRATIONS_DIRECTORY"/:'file'`
SELECT migrations.add_file(:'file', :'content', project => nullif(:'project', ''), replace => :'replace') AS result \gset
\if :ERROR
    \set refused true
    \echo :file refused
\else
    \echo :file :result
\endif
SCRIPT
    done
    cat <<'SCRIPT'
\set ON_ERROR_STOP on
\if :refused
    ROLLBACK;
    \set VERBOSITY terse
    DO $$BEGIN RAISE 'files were refused, so nothing of the folder is registered'; END$$;
\endif
COMMIT;
SCRIPT
}

wait_for_server() {
    # It comes with psql; without it psql alone will say what is wrong.
    command -v pg_isready >/dev/null || return 0
    waited=0
    until pg_isready -q; do
        # 3: it can't even try, which psql will explain.
        [ $? -ne 3 ] || return 0
        [ "$waited" -lt "${WAIT:-30}" ] || die "no server has answered for ${WAIT:-30} seconds: $(pg_isready || true)"
        waited=$((waited + 1))
        sleep 1
    done
}

load() {
    command -v psql >/dev/null || die "psql is not installed"
    check_files
    if [ -n "${DB_HOST:-}" ]; then export PGHOST="${PGHOST:-$DB_HOST}"; fi
    if [ -n "${DB_PORT:-}" ]; then export PGPORT="${PGPORT:-$DB_PORT}"; fi
    if [ -n "${DB_NAME:-}" ]; then export PGDATABASE="${PGDATABASE:-$DB_NAME}"; fi
    if [ -n "${DB_USER:-}" ]; then export PGUSER="${PGUSER:-$DB_USER}"; fi
    if [ -n "${DB_PASSWORD:-}" ]; then export PGPASSWORD="${PGPASSWORD:-$DB_PASSWORD}"; fi
    export PGCLIENTENCODING=UTF8 PG_MIGRATIONS_DIRECTORY="$directory"
    wait_for_server
    psql_script | psql -X -A -t -v project="$project" -v replace="${replace:-false}" -f -
}

new() {
    # One word for each: what stands in a file's name has to be plain.
    name=$(printf %s "$1" | tr ' ' '_')
    case $name in
    '' | *[!A-Za-z0-9_.-]*) die "a name of letters, digits, points, - and _ is needed, such as add_users" ;;
    esac
    highest=$(files | sed -n 's/^\([0-9][0-9]*\)_.*/\1/p' | tail -n 1)
    now=$(date -u +%Y%m%d%H%M%S)
    number=$(printf %s "${highest:-000000}" | sed 's/^0*//')
    if [ ${#highest} = 14 ] && [ "$now" -gt "$number" ]; then
        next=$now
    elif [ ${#number} -gt 18 ]; then
        die "version $highest is too long to be counted on"
    else
        next=$(printf "%0${#highest}d" $((${number:-0} + 1)))
        [ -n "$highest" ] || next=000001
    fi
    set -C
    for part in up down; do
        file=$directory/${next}_$name.$part.sql
        : >"$file" || die "cannot make $file"
        printf '%s\n' "$file"
    done
}

case ${1:-} in
-h | --help | help)
    usage
    exit
    ;;
load | sql | new) command=$1 ;;
*) misused ;;
esac
shift
directory=
project=
unset name
replace=
while [ $# -gt 0 ]; do
    case $1 in
    -p)
        [ $# -ge 2 ] || misused
        project=$2
        shift
        ;;
    -r) replace=true ;;
    -?*) misused ;;
    *)
        if [ -z "$directory" ]; then directory=$1
        elif [ "$command" = new ] && [ -z "${name+given}" ]; then name=$1
        else misused; fi
        ;;
    esac
    shift
done
[ -n "$directory" ] || misused
[ -d "$directory" ] || die "there is no folder \"$directory\""
# Looked up from elsewhere, too, and never taken for an option.
directory=$(CDPATH='' cd -- "$directory" && pwd)

case $command in
load) load ;;
sql) print_sql ;;
new)
    [ -n "${name+given}" ] || misused
    new "$name"
    ;;
esac
