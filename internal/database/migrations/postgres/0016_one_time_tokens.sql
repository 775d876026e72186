-- +goose Up
-- modify "users" table
ALTER TABLE "users" ADD COLUMN "pending_email" character varying NULL, ADD COLUMN "locale" character varying NULL;
-- create "one_time_tokens" table
CREATE TABLE "one_time_tokens" (
  "id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "purpose" character varying NOT NULL,
  "digest" bytea NOT NULL,
  "address" character varying NOT NULL,
  "session_id" uuid NULL,
  "attempts" bigint NOT NULL DEFAULT 0,
  "created_at" timestamptz NOT NULL,
  "expires_at" timestamptz NOT NULL,
  "used_at" timestamptz NULL,
  PRIMARY KEY ("id")
);
-- create index "onetimetoken_expires_at" to table: "one_time_tokens"
CREATE INDEX "onetimetoken_expires_at" ON "one_time_tokens" ("expires_at");
-- create index "onetimetoken_user_id" to table: "one_time_tokens"
CREATE INDEX "onetimetoken_user_id" ON "one_time_tokens" ("user_id");
