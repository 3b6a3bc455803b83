#!/bin/sh
# The nation's database and its two users, made when PostgreSQL is started on an empty volume.
set -eu
secrets=/run/postgres-secrets
psql --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres --no-psqlrc --quiet --file=/dev/stdin <<SQL
\set archiver_password `cat $secrets/archiver`
\set reader_password `cat $secrets/reader`
\i /infra/roles.sql
SQL
