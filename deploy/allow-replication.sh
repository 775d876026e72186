#!/bin/bash
# Runs once, when the primary's database is made: the replica may connect with the password.
set -euo pipefail
echo "host replication $POSTGRES_USER samenet scram-sha-256" >>"$PGDATA/pg_hba.conf"
