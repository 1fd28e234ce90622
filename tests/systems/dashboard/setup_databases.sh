#!/bin/sh
# Sets the three services up, and brings what is there up to date. It can be run again at
# any time. Connects as psql does (PGHOST, PGUSER, ...).
#
#   setup_databases.sh            a database for each service, tables in public
#   setup_databases.sh DATABASE   one database, a project and a schema for each service
set -eu

here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
loader=${PG_MIGRATIONS:-$here/../../../pg_migrations.sh}

run() { psql -X -q -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

# Makes the database, if it isn't there, with the extension.
database() {
    there=$(printf "SELECT FROM pg_database WHERE datname = :'name'" |
        psql -X -q -A -v ON_ERROR_STOP=1 -v name="$1" -d postgres | tail -n 1)
    [ "$there" = '(1 row)' ] || createdb --maintenance-db=postgres "$1"
    run "$1" 'SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS pg_migrations'
}

if [ $# -eq 0 ]; then
    for service in user resume ai; do
        database ${service}_service_db
        PGDATABASE=${service}_service_db sh "$loader" load "$here/$service-service"
        run ${service}_service_db 'SELECT step, version, name, duration FROM migrations.apply()'
    done
else
    database "$1"
    for service in user resume ai; do
        run "$1" "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS ${service}_service"
        # pgvector, if it is installed, is in public.
        run "$1" "SELECT * FROM migrations.set_project('$service-service', search_path => '${service}_service, public')"
        PGDATABASE=$1 sh "$loader" load "$here/$service-service" -p "$service-service"
    done
    run "$1" 'SELECT step, project, version, name, duration FROM migrations.apply_all(ARRAY['"'user-service', 'resume-service', 'ai-service'"'])'
fi
