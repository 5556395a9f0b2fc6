#!/bin/sh
# Starts PostgreSQL on an empty or a filled $PGDATA. An empty one is filled from /initial/*.sql.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  (umask 077 && printf %s "$POSTGRES_PASSWORD" >/tmp/password)
  initdb --pgdata="$PGDATA" --username=postgres --pwfile=/tmp/password \
    --auth=scram-sha-256 --no-locale --encoding=UTF8
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  for file in /initial/*.sql; do
    [ ! -e "$file" ] || postgres --single -j -D "$PGDATA" postgres <"$file"
  done
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off
