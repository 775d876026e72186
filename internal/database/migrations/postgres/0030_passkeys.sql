-- +goose Up
-- modify "users" table
ALTER TABLE "users" ADD COLUMN "passkey_handle" bytea NULL;
-- create "passkeys" table
CREATE TABLE "passkeys" (
  "id" uuid NOT NULL,
  "credential_id" bytea NOT NULL,
  "public_key" bytea NOT NULL,
  "sign_count" bigint NOT NULL,
  "transports" character varying NOT NULL,
  "aaguid" bytea NOT NULL,
  "backup_eligible" boolean NOT NULL,
  "backed_up" boolean NOT NULL,
  "name" character varying NULL,
  "credential_generation" bigint NOT NULL,
  "last_used_at" timestamptz NULL,
  "created_at" timestamptz NOT NULL,
  "user_id" uuid NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "passkeys_users_passkeys" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE
);
-- create index "passkey_credential_id" to table: "passkeys"
CREATE UNIQUE INDEX "passkey_credential_id" ON "passkeys" ("credential_id");
-- create index "passkey_user_id" to table: "passkeys"
CREATE INDEX "passkey_user_id" ON "passkeys" ("user_id");
