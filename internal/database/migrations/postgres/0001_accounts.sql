-- +goose Up
-- create "settings" table
CREATE TABLE "settings" (
  "id" character varying NOT NULL,
  "value" bytea NOT NULL,
  PRIMARY KEY ("id")
);
-- create "signing_keys" table
CREATE TABLE "signing_keys" (
  "id" character varying NOT NULL,
  "sequence" bigint NOT NULL,
  "sealed" bytea NOT NULL,
  "created_at" timestamptz NOT NULL,
  PRIMARY KEY ("id")
);
-- create index "signing_keys_sequence_key" to table: "signing_keys"
CREATE UNIQUE INDEX "signing_keys_sequence_key" ON "signing_keys" ("sequence");
-- create "users" table
CREATE TABLE "users" (
  "id" uuid NOT NULL,
  "email" character varying NOT NULL,
  "email_verified" boolean NOT NULL DEFAULT false,
  "name" character varying NULL,
  "password_hash" character varying NOT NULL,
  "roles" jsonb NOT NULL,
  "status" character varying NOT NULL,
  "created_at" timestamptz NOT NULL,
  "updated_at" timestamptz NOT NULL,
  PRIMARY KEY ("id")
);
-- create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX "users_email_key" ON "users" ("email");
-- create "sessions" table
CREATE TABLE "sessions" (
  "id" uuid NOT NULL,
  "refresh_digest" bytea NOT NULL,
  "refresh_generation" bigint NOT NULL,
  "authenticated_at" timestamptz NOT NULL,
  "created_at" timestamptz NOT NULL,
  "last_used_at" timestamptz NOT NULL,
  "idle_expires_at" timestamptz NOT NULL,
  "expires_at" timestamptz NOT NULL,
  "ended_at" timestamptz NULL,
  "user_id" uuid NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "sessions_users_sessions" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE
);
-- create index "session_user_id" to table: "sessions"
CREATE INDEX "session_user_id" ON "sessions" ("user_id");
