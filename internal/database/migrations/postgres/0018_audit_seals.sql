-- +goose Up
-- create "audit_seals" table
CREATE TABLE "audit_seals" (
  "id" bigint NOT NULL,
  "since" timestamptz NOT NULL,
  "until" timestamptz NOT NULL,
  "kept" timestamptz NOT NULL,
  "members" bytea NOT NULL,
  "hashes" bytea NOT NULL,
  "root" bytea NOT NULL,
  "previous" bytea NOT NULL,
  "key" character varying NOT NULL,
  "signature" bytea NOT NULL,
  PRIMARY KEY ("id")
);
