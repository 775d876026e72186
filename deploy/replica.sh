#!/bin/bash
# Copies the primary, unless that is done, and follows it.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  chmod 700 "$PGDATA"
  until pg_basebackup -h postgres -U gatehouse -D "$PGDATA" -R -X stream --checkpoint=fast; do
    rm -rf "${PGDATA:?}"/*
    sleep 2
  done
fi
exec postgres
