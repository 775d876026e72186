-- +goose NO TRANSACTION
-- +goose Up
-- No reader and no writer waits while they are built. One that was interrupted is invalid: this file then runs again.
DROP INDEX CONCURRENTLY IF EXISTS "jobs_fresh";
-- create index "jobs_fresh" to table: "jobs"
CREATE INDEX CONCURRENTLY "jobs_fresh" ON "jobs" ("due_at") WHERE ((failed_at IS NULL) AND (attempt = 0));
DROP INDEX CONCURRENTLY IF EXISTS "jobs_begun";
-- create index "jobs_begun" to table: "jobs"
CREATE INDEX CONCURRENTLY "jobs_begun" ON "jobs" ("due_at") WHERE ((failed_at IS NULL) AND (attempt > 0));
-- drop index "jobs_due" from table: "jobs"
DROP INDEX CONCURRENTLY IF EXISTS "jobs_due";
DROP INDEX CONCURRENTLY IF EXISTS "onetimetoken_purpose_expires_at";
-- create index "onetimetoken_purpose_expires_at" to table: "one_time_tokens"
CREATE INDEX CONCURRENTLY "onetimetoken_purpose_expires_at" ON "one_time_tokens" ("purpose", "expires_at");
