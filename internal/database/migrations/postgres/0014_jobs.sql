-- +goose Up
-- create "jobs" table: work that follows a commit
CREATE TABLE "jobs" (
  "id" uuid NOT NULL,
  "kind" character varying NOT NULL,
  "args" text NOT NULL,
  "due_at" timestamptz NOT NULL,
  "attempt" bigint NOT NULL,
  "leased_by" character varying NULL,
  "last_error" text NULL,
  "failed_at" timestamptz NULL,
  "created_at" timestamptz NOT NULL,
  PRIMARY KEY ("id")
);
-- create index "jobs_due" to table: "jobs"
CREATE INDEX "jobs_due" ON "jobs" ("due_at") WHERE (failed_at IS NULL);
-- create index "jobs_failed" to table: "jobs"
CREATE INDEX "jobs_failed" ON "jobs" ("failed_at") WHERE (failed_at IS NOT NULL);
