-- +goose NO TRANSACTION
-- +goose Up
-- No reader and no writer waits while it is built. One that was interrupted is invalid: this file then runs again.
DROP INDEX CONCURRENTLY IF EXISTS "onetimetoken_address";
-- create index "onetimetoken_address" to table: "one_time_tokens"
CREATE INDEX CONCURRENTLY "onetimetoken_address" ON "one_time_tokens" ("address");
