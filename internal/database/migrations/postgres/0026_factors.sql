-- +goose Up
-- modify "one_time_tokens" table
ALTER TABLE "one_time_tokens" ADD COLUMN "amr" character varying NULL, ADD COLUMN "credential_generation" bigint NULL;
-- modify "users" table
ALTER TABLE "users" ADD COLUMN "factor_generation" bigint NOT NULL DEFAULT 0;
-- create "recovery_codes" table
CREATE TABLE "recovery_codes" (
  "id" uuid NOT NULL,
  "set_id" uuid NOT NULL,
  "digest" bytea NOT NULL,
  "used_at" timestamptz NULL,
  "created_at" timestamptz NOT NULL,
  "user_id" uuid NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "recovery_codes_users_recovery_codes" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE
);
-- create index "recoverycode_user_id" to table: "recovery_codes"
CREATE INDEX "recoverycode_user_id" ON "recovery_codes" ("user_id");
-- create "totp_factors" table
CREATE TABLE "totp_factors" (
  "id" uuid NOT NULL,
  "confirmed" boolean NOT NULL,
  "session_id" uuid NULL,
  "sealed" bytea NOT NULL,
  "last_step" bigint NOT NULL DEFAULT 0,
  "last_used_at" timestamptz NULL,
  "created_at" timestamptz NOT NULL,
  "user_id" uuid NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "totp_factors_users_totp_factors" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE
);
-- create index "totpfactor_user_id_confirmed" to table: "totp_factors"
CREATE UNIQUE INDEX "totpfactor_user_id_confirmed" ON "totp_factors" ("user_id", "confirmed");
