-- +goose Up
-- create "throttles" table
CREATE TABLE "throttles" (
  "id" uuid NOT NULL,
  "account" uuid NULL,
  "at" timestamptz NOT NULL,
  "until" timestamptz NOT NULL,
  PRIMARY KEY ("id")
);
-- create index "throttle_account" to table: "throttles"
CREATE INDEX "throttle_account" ON "throttles" ("account");
-- create index "throttle_until" to table: "throttles"
CREATE INDEX "throttle_until" ON "throttles" ("until");
