#!/bin/sh
# Starts one of two Postgres servers, of which one is the other's standby: postgres.sh COMMAND…
# PGDATA is its folder, which is no mount point; NAME what it is called, and PEER the other one's host. STANDBY=1 makes
# it a standby where it has no data. REJOIN=1 does so too where it has a former primary's, which are moved away.
set -eu
export PGCONNECT_TIMEOUT=3

ask() { psql --host "$PEER" --dbname postgres --no-psqlrc --tuples-only --no-align --quiet --command "$1"; }

# copy makes the folder a standby's, which gets its name when it is complete: an interrupted copy begins anew. The slot
# of one that was interrupted, or that fell too far behind, is replaced. What the other server waits for is no setting
# of the copy: once promoted it would wait for itself. And a promotion waits as long as attempts to stream are apart.
copy() {
  rm -rf "$PGDATA" "$PGDATA.new"
  until ask "SELECT" >/dev/null; do sleep 1; done
  ask "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
    WHERE slot_name = '$NAME' AND NOT active" >&2
  pg_basebackup --pgdata "$PGDATA.new" --dbname "host=$PEER application_name=$NAME" --checkpoint fast \
    --write-recovery-conf --create-slot --slot "$NAME"
  printf '%s\n' "synchronous_standby_names = ''" "wal_retrieve_retry_interval = '500ms'" \
    >>"$PGDATA.new/postgresql.auto.conf"
  ask "ALTER SYSTEM SET synchronous_standby_names = '$NAME'"
  ask "SELECT pg_reload_conf()" >&2
  mv "$PGDATA.new" "$PGDATA"
}

# A copy writes global/pg_control last, and PG_VERSION first.
if [ ! -e "$PGDATA/global/pg_control" ]; then
  if [ "${STANDBY:-}${REJOIN:-}" ]; then copy; fi
elif [ ! -e "$PGDATA/standby.signal" ] && [ "$(ask 'SELECT pg_is_in_recovery()' || true)" = f ]; then
  if [ ! "${REJOIN:-}" ]; then
    echo "$PEER takes writes, and the data here are a former primary's: not started. REJOIN=1 makes it a standby." >&2
    exit 1
  fi
  mv "$PGDATA" "$PGDATA.$(date +%s)"
  copy
fi
exec "$@"
