#!/bin/sh
# Registers a folder of migration files from a client's machine in pg_migrations, and creates
# new files. Needs a POSIX shell and, for load, psql.
set -eu

usage() {
    cat <<'USAGE'
usage: pg_migrations.sh load DIRECTORY [-p PROJECT] [-r] [-v] [-c CONVENTION] [-o OPTIONS]
                             [-i PATTERNS]
       pg_migrations.sh sql  DIRECTORY [-p PROJECT] [-r] [-c CONVENTION] [-o OPTIONS]
                             [-i PATTERNS]
       pg_migrations.sh new  DIRECTORY NAME

load  registers all migrations of the folder and its subfolders, or none;
      prints the files that are new or have changed, and totals;
      runs nothing: to apply, psql -c 'CALL migrations.apply_each()'
sql   prints the SQL that does the same, to paste into a web SQL editor
new   creates the next pair of files, NNN_NAME.up.sql and NNN_NAME.down.sql

  -p PROJECT     the project; default: the setting migrations.project
  -r             replaces texts that are registered with another content
  -v             also prints the files that have not changed
  -c CONVENTION  the tool that the files were written for, such as flyway; default: detected
                 from file names and markers
  -o OPTIONS     options of the convention, a JSON object such as {"prefix": "M"}
  -i PATTERNS, --ignore PATTERNS
                 files to leave out, such as 'seeds/**,*.bak': * and ? match within a name,
                 ** across folders. A file with the name of a migration that is not read
                 and not left out is an error.

load connects as psql does, with PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD and the like.
Where one of these is not set, it uses DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD. It
waits for a server that is starting (at most WAIT seconds, default 30) and for other sessions
that work on the project (at most the setting migrations.run_wait, default 10s).
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

newline='
'
return=$(printf '\r')

# A path for display, without control characters.
shown() {
    printf %s "$1" | LC_ALL=C tr '\001-\037\177' '?'
}

# Reports what is wrong with a file.
complain() { # path why
    printf 'pg_migrations.sh: "%s": %s\n' "$(shown "$1")" "$2" >&2
}

# Whether a path is a regular file and no link.
is_plain() {
    [ -f "$directory/$1" ] && [ ! -L "$directory/$1" ]
}

# The target of a link as a path below the folder; "." for the folder itself; nothing if the
# target is outside of the folder.
resolved() {
    target=$(readlink -f "$directory/$1" && printf x) || return 0
    target=${target%?x}
    case $target in
    "$directory") printf . ;;
    "${directory%/}"/*) printf %s "${target#"${directory%/}"/}" ;;
    esac
}

# Prints why a file is not opened; nothing if it is. Only regular files are opened, and links
# to regular files below the folder.
closed() {
    if is_plain "$1"; then return
    elif [ ! -e "$directory/$1" ]; then echo 'it is a link that leads nowhere'
    elif [ ! -f "$directory/$1" ]; then echo 'it is not a regular file'
    elif [ -z "$(resolved "$1")" ]; then echo 'it is a link that leads out of the folder'
    fi
}

# Prints why a file is not a valid text; nothing if it is one.
defect() {
    if [ ! -r "$directory/$1" ]; then echo 'it cannot be read'
    elif [ "$(tr -cd '\000' <"$directory/$1" | wc -c)" -ne 0 ]; then echo 'it holds a NUL byte'
    elif command -v iconv >/dev/null && ! iconv -f UTF-8 -t UTF-8 <"$directory/$1" >/dev/null 2>&1; then
        echo 'it is not in UTF-8'
    fi
}

# Whether all files are valid texts, in one pass, because a folder may hold thousands.
all_are_texts() {
    command -v iconv >/dev/null || return 1
    strange=$({ texts | iconv -f UTF-8 -t UTF-8 2>/dev/null || printf '\000'; } | tr -cd '\000' | wc -c)
    [ "$strange" -eq 0 ]
}

texts() {
    printf '%s\n' "$list" | while IFS= read -r file; do
        if ! is_code "$file"; then
            # For a file that cannot be read, a byte that is not UTF-8.
            cat "$directory/$file" 2>/dev/null || printf '\377'
            echo
        fi
    done
}

# Reports each file of the list for which the command prints a reason, and exits if there is one.
refuse_those() { # command
    printf '%s\n' "$list" | {
        status=0
        while IFS= read -r file; do
            ! is_code "$file" || continue
            why=$("$1" "$file")
            [ -z "$why" ] || { complain "$file" "$why"; status=1; }
        done
        exit "$status"
    } || die "nothing of \"$(shown "$directory")\" was registered"
}

misnamed() {
    printf %s "$1" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1 || echo 'its name is not in UTF-8'
}

all_are_plain() {
    printf '%s\n' "$list" | while IFS= read -r file; do
        is_code "$file" || is_plain "$file" || exit 1
    done
}

check_files() {
    odd=$(cd "$directory" && LC_ALL=C find . -name '.?*' -prune -o \( -name "*$newline*" -o -name "*$return*" \) \
        \( -type d -o -name '*.[sS][qQ][lL]*' \) -print)
    [ -z "$odd" ] || {
        complain "${odd#./}" 'its name holds a line break'
        die "nothing of \"$(shown "$directory")\" was registered"
    }
    list=$(files)
    case $list in
    *.[sS][qQ][lL]* | *sqitch.plan*) ;;
    *) die "\"$(shown "$directory")\" holds no .sql files" ;;
    esac
    if command -v iconv >/dev/null && ! printf %s "$list" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1; then
        refuse_those misnamed
    fi
    # Before any file is opened, because opening a pipe would block.
    all_are_plain || refuse_those closed
    all_are_texts || refuse_those defect
}

# Whether a file is a changelog of Liquibase, which defines the order of other files.
is_changelog() {
    case ${1##*/} in
    *[cC][hH][aA][nN][gG][eE][lL][oO][gG]*.* | *[mM][aA][sS][tT][eE][rR]*.*)
        case $1 in
        *.[xX][mM][lL] | *.[yY][mM][lL] | *.[yY][aA][mM][lL] | *.[jJ][sS][oO][nN]) return 0 ;;
        esac
        ;;
    esac
    return 1
}

# Whether only the name of a file is sent: code in other languages and archives may be
# migrations, too, and the server reports them.
is_code() {
    ! is_changelog "$1" || return 1
    case $1 in
    *.go | *.js | *.ts | *.cjs | *.mjs | *.cts | *.mts | *.java | *.kt | *.py | *.rs | *.rb | *.php | *.cs | *.ex | \
        *.exs | *.groovy | *.scala | *.class | *.sh | *.bash | *.ps1 | *.bat | *.xml | *.yaml | *.yml) true ;;
    *) is_packed "$1" && is_migration "$1" ;;
    esac
}

is_packed() {
    case $(lower "$1") in
    *.gz | *.bz2 | *.xz | *.zst | *.zip | *.7z | *.tar | *.tgz | *.dump) ;;
    *) false ;;
    esac
}

lower() {
    printf %s "$1" | LC_ALL=C tr '[:upper:]' '[:lower:]'
}

# Whether a file has the name of a migration of some tool. Then it is read, or an error.
is_migration() {
    case ${1##*/} in
    [0-9]* | [vVuUbB][0-9]* | [rR]_* | [bB]efore[mM]igrate* | [aA]fter[mM]igrate* | *.[uU][pP].* | *.[dD][oO][wW][nN].* | *.*[sS][qQ][lL]* | *.[dD][dDmMcC][lL]*) ;;
    *) return 1 ;;
    esac
    base=$(lower "${1##*/}")
    case $base in
    *.psql* | *.pgsql* | *.plsql* | *.plpgsql* | *.ddl* | *.dml* | *.dcl* | *.sqlx* | *.sql~* | *.sql.*) ;;
    *.md | *.markdown | *.rst | *.adoc | *.html | *.htm | *.pdf | *.png | *.jpg | *.jpeg | *.gif | *.svg | *.webp | \
        *.ico | *.drawio | *.puml | *.json | *.csv | *.tsv | *.lock | *.log | *.map | *.d.ts | *_test.go) return 1 ;;
    [0-9]* | [vub][0-9]*_* | [vub][0-9]*.sql | r_* | beforemigrate* | aftermigrate* | *.up.* | *.down.*) ;;
    *) return 1 ;;
    esac
}

# Lists all files below a folder, a path a line, without hidden ones. A link to a folder is
# followed if the target is a hidden folder below, whose files are not listed otherwise: the
# volumes of Kubernetes consist of such links.
listing() { # path, with a slash at its end
    LC_ALL=C find "$1" -name '.?*' -prune -o \( -name "*$newline*" -o -name "*$return*" \) -prune -o ! -type d -print |
        sed 's|//*|/|g; s|^\./||' | LC_ALL=C sort | while IFS= read -r path; do
        if [ ! -L "$path" ] || [ ! -d "$path" ]; then
            printf '%s\n' "$path"
            continue
        fi
        target=$(resolved "$path")
        case $target in
        '') complain "$path" 'it is ignored, because it is a link that leads out of the folder' ;;
        .) ;;
        .* | */.*)
            # Not links within the target, which may lead back to it.
            [ "$1" = ./ ] || continue
            case $seen in *"$newline$target$newline"*) continue ;; esac
            seen=$seen$newline$target$newline
            listing "./$path/"
            ;;
        esac
    done
}

# The files of the folder and its subfolders that are needed to read migrations, a path a line.
files() {
    seen=
    (cd "$directory" && listing ./) | LC_ALL=C sort | while IFS= read -r file; do
        case ${file##*/} in
        *.[sS][qQ][lL] | *.[sS][qQ][lL].[cC][oO][nN][fF] | sqitch.plan | sqitch.conf | metadata.toml | \
            _journal.json | flyway.conf | flyway.toml | flyway.user.toml | liquibase.properties | atlas.sum) ;;
        *) is_changelog "$file" || is_code "$file" || is_migration "$file" || continue ;;
        esac
        # For code the name is enough, if it is that of a regular file.
        if ! is_code "$file" || is_plain "$file" || [ -z "$(closed "$file")" ]; then printf '%s\n' "$file"; fi
    done
}

# The .sql files directly in the folder, a name a line, in the order of their numbers.
numbered() {
    (cd "$directory" && for file in *.sql; do
        if [ -f "$file" ]; then printf '%s\n' "$file"; fi
    done) | LC_ALL=C sort -n
}

# Prints standard input as an SQL literal: between dollar quotes that do not occur in it, so that
# it stays readable and nothing has to be escaped.
literal() {
    text=$(cat && printf x)
    text=${text%x}
    tag=migration
    while case $text in *"\$$tag"*) true ;; *) false ;; esac; do tag=${tag}_; done
    printf '$%s$%s$%s$' "$tag" "$text" "$tag"
}

print_sql() {
    check_files
    printf 'SELECT file, version, name, direction, result FROM migrations.add_files(ARRAY[\n'
    comma=
    printf '%s\n' "$list" | while IFS= read -r file; do
        printf '%b' "$comma"
        printf %s "$file" | literal
        comma=',\n'
    done
    printf '\n], ARRAY[\n'
    printf '%s\n' "$list" | while IFS= read -r file; do
        printf '%b' "$comma"
        if is_code "$file"; then printf "''"; else literal <"$directory/$file"; fi
        comma=',\n'
    done
    printf '\n]::text[]'
    if [ -n "$project" ]; then printf ', project => %s' "$(printf %s "$project" | literal)"; fi
    if [ -n "$replace" ]; then printf ', replace => true'; fi
    if [ -n "$convention" ]; then printf ', convention => %s' "$(printf %s "$convention" | literal)"; fi
    given=
    if [ -n "$options" ]; then given=$(printf %s "$options" | literal); fi
    if [ -n "$ignore" ]; then
        ignored="jsonb_build_object('ignore', $(printf %s "$ignore" | literal))"
        if [ -n "$given" ]; then given="$given::jsonb || $ignored"; else given=$ignored; fi
    fi
    if [ -n "$given" ]; then printf ', options => %s' "$given"; fi
    printf ');\n'
}

# The same for psql, which reads the files itself, so that their size is not limited by the command
# line. psql substitutes a variable when it reads the line, so one variable serves all files. A
# failure ends the script with a line for load that has the reason. Functions and operators are
# looked up in pg_catalog only. Everything is in transactions, which a pooler keeps together.
psql_script() {
    cat <<'SCRIPT'
\set QUIET on
\unset lines
\set ON_ERROR_STOP off
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SELECT coalesce(pg_catalog.string_agg(file || ' ' || result, E'\n' ORDER BY n) FILTER (WHERE :'verbose' OR result <> 'unchanged'), '') AS lines,
    pg_catalog.count(*) FILTER (WHERE result = 'added') AS added,
    pg_catalog.count(*) FILTER (WHERE result = 'replaced') AS replaced,
    pg_catalog.count(*) FILTER (WHERE result = 'unchanged') AS unchanged,
    pg_catalog.count(*) FILTER (WHERE result NOT IN ('added', 'replaced', 'unchanged')) AS others,
    coalesce(pg_catalog.min(pg_catalog.split_part(result, ':', 1)) FILTER (WHERE result NOT IN ('added', 'replaced', 'unchanged')), '') AS other,
    coalesce(pg_catalog.array_agg(coalesce('v' || version, 'r' || name)) FILTER (WHERE name IS NOT NULL), '{}') AS known
FROM migrations.add_files(ARRAY[
SCRIPT
    comma=
    printf '%s\n' "$list" | while IFS= read -r file; do
        set_file
        printf "%s:'file'\n" "$comma"
        comma=,
    done
    printf '], ARRAY[\n'
    printf '%s\n' "$list" | while IFS= read -r file; do
        if is_code "$file"; then
            printf "%s''\n" "$comma"
        else
            set_file
            printf '\\unset content\n'
            printf "\\\\set content \`cat < \"\$PG_MIGRATIONS_DIRECTORY\"/:'file'\`\n%s:'content'\n" "$comma"
        fi
        comma=,
    done
    cat <<'SCRIPT'
]::text[], project => nullif(:'project', ''), replace => :'replace',
    convention => nullif(:'convention', ''), options => nullif(
        coalesce(nullif(:'options', ''), '{}')::jsonb || jsonb_strip_nulls(jsonb_build_object('ignore', nullif(:'ignore', ''))),
        '{}'))
    WITH ORDINALITY AS l(file, version, name, direction, result, n) \gset
\set failed :ERROR
COMMIT;
\if :failed
    SELECT coalesce((SELECT setting FROM pg_catalog.pg_settings WHERE name = 'migrations.run_wait'), '0') AS wait \gset
    \set failed `echo pg_migrations.sh failed :'LAST_ERROR_SQLSTATE' :'wait' >&2`
    \q
\endif
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SELECT :'lines' WHERE :'lines' <> '';
\set absent ''
SELECT pg_catalog.has_function_privilege('migrations.status(text)', 'execute') AS may_look \gset
\if :may_look
    SELECT CASE WHEN pg_catalog.count(*) > 0 THEN
            ', ' || pg_catalog.count(*)::text || ' registered but not in this folder: '
            || pg_catalog.string_agg(title, ', ' ORDER BY n) FILTER (WHERE nth <= 10)
            || CASE WHEN pg_catalog.count(*) > 10 THEN ' and ' || (pg_catalog.count(*) - 10)::text || ' more' ELSE '' END
        ELSE '' END AS absent
    FROM (SELECT coalesce(version, name) AS title, n, pg_catalog.row_number() OVER (ORDER BY n) AS nth
          FROM migrations.status(nullif(:'project', '')) WITH ORDINALITY
              AS s(project, version, name, state, applied_at, applied_by, duration, checksum_ok, has_down, transactional, message, n)
          WHERE state <> 'missing' AND coalesce('v' || version, 'r' || name) <> ALL (:'known'::text[])) absent \gset
\endif
SELECT :'added'::text || ' added, '
    || CASE WHEN :'replaced' = '0'::text THEN '' ELSE :'replaced' || ' replaced, ' END
    || :'unchanged' || ' unchanged'
    || CASE WHEN :'others' = '0'::text THEN '' ELSE ', ' || :'others' || ' ' || :'other' END
    || :'absent';
COMMIT;
SCRIPT
}

# Sets the psql variable file.
set_file() {
    name=$file
    case $file in
    *[\\\']*) name=$(printf %s "$file" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g") ;;
    esac
    printf "\\\\set file '%s'\n" "$name"
}

wait_for_server() {
    # It is installed with psql. Without it, psql reports what is wrong.
    command -v pg_isready >/dev/null || return 0
    waited=0
    until pg_isready -q; do
        # 3: no attempt was made, for a reason that psql reports.
        [ $? -ne 3 ] || return 0
        [ "$waited" -lt "${WAIT:-30}" ] || die "no server has responded for ${WAIT:-30} seconds: $(pg_isready || true)"
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
    begun=$(date +%s)
    pause=0.2
    while true; do
        send
        case $failure in
        # Another session works on the project, or has changed it since the snapshot was taken.
        55P03\ * | 40001\ *) ;;
        *) break ;;
        esac
        # In seconds, rounded up.
        wait=$(((${failure#* } + 999) / 1000))
        [ $(($(date +%s) - begun)) -lt "$wait" ] || break
        [ "$pause" != 0.2 ] || echo 'pg_migrations.sh: waiting for another session that works on the project' >&2
        # No snapshot is held between attempts, because the other session might wait for it.
        sleep "$pause" 2>/dev/null || sleep 1
        pause=1
    done
    [ -z "$said" ] || printf '%s\n' "$said" | as_options >&2
    case $failure in
    3F000\ *) echo 'pg_migrations.sh: in this database a superuser has to run CREATE EXTENSION pg_migrations;' >&2 ;;
    55P03\ *) printf 'pg_migrations.sh: gave up after %d s, the setting migrations.run_wait\n' "$wait" >&2 ;;
    esac
    exit "$status"
}

# Runs psql. Sets said to its messages, and failure to SQLSTATE and migrations.run_wait in ms if an
# SQL error has ended it.
send() {
    status=0
    failure=
    {
        said=$(psql_script | psql -X -A -t -v ON_ERROR_STOP=1 -v project="$project" -v replace="${replace:-false}" \
            -v verbose="${verbose:-false}" -v convention="$convention" -v options="$options" -v ignore="$ignore" -f - 2>&1 >&3)
    } 3>&1 || status=$?
    # (The messages may be long, for which patterns of the shell are too slow.)
    last=$(printf '%s\n' "$said" | tail -n 1)
    case $last in
    'pg_migrations.sh failed '*)
        failure=${last#pg_migrations.sh failed }
        said=$(printf '%s\n' "$said" | sed '$d')
        # The exit status of psql after an error in a script.
        status=3
        ;;
    esac
}

# Replaces arguments of functions in messages by the options of this script, and leaves out psql's
# prefix, because the line of its input says nothing to the user.
as_options() {
    sed -e 's/^psql:<stdin>:[0-9]*: //' -e "s/options => '{\"ignore\":\"\([^\"'\\]*\)\"}'/-i '\1'/g" \
        -e "s/replace => true/-r/g; s/convention => '\([a-z-]*\)'/-c \1/g; s/options => '/-o '/g"
}

new() {
    # Only characters that are safe in a file name.
    name=$(printf %s "$1" | tr ' ' '_')
    case $name in
    '' | *[!A-Za-z0-9_.-]*) die "the name must consist of letters, digits, points, - and _, such as add_users" ;;
    esac
    highest=$(numbered | sed -n 's/^\([0-9][0-9]*\)_.*/\1/p' | tail -n 1)
    now=$(date -u +%Y%m%d%H%M%S)
    number=$(printf %s "${highest:-000000}" | sed 's/^0*//')
    if [ ${#highest} = 14 ] && [ "$now" -gt "$number" ]; then
        next=$now
    elif [ ${#number} -gt 18 ]; then
        die "version $highest is too long to continue from; name the next files by hand"
    else
        next=$(printf "%0${#highest}d" $((${number:-0} + 1)))
        [ -n "$highest" ] || next=000001
    fi
    set -C
    for part in up down; do
        file=$directory/${next}_$name.$part.sql
        : >"$file" || die "cannot create $file"
        printf '%s\n' "$file"
    done
}

case ${1:-} in
-h | --help | help)
    usage
    exit
    ;;
load | sql | new) command=$1 ;;
'') misused ;;
*)
    printf 'pg_migrations.sh: there is no command "%s"; everything else is SQL, such as %s\n\n' "$(shown "$1")" \
        "psql -c 'CALL migrations.apply_each()'" >&2
    misused
    ;;
esac
shift
directory=
project=
unset name
replace=
verbose=
convention=
options=
ignore=
while [ $# -gt 0 ]; do
    case $1 in
    -p)
        [ $# -ge 2 ] || misused
        project=$2
        shift
        ;;
    -r) replace=true ;;
    -v) verbose=true ;;
    -c)
        [ $# -ge 2 ] || misused
        convention=$2
        shift
        ;;
    -o)
        [ $# -ge 2 ] || misused
        options=$2
        shift
        ;;
    -i | --ignore)
        [ $# -ge 2 ] || misused
        ignore=$2
        shift
        ;;
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
[ -d "$directory" ] || die "there is no folder \"$(shown "$directory")\""
# An absolute path, which is never taken for an option.
directory=$(CDPATH='' cd -- "$directory" && pwd -P && printf x)
directory=${directory%?x}

case $command in
load) load ;;
sql) print_sql ;;
new)
    [ -n "${name+given}" ] || misused
    new "$name"
    ;;
esac
