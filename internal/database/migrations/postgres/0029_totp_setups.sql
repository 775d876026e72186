-- +goose NO TRANSACTION
-- +goose Up
-- No reader and no writer waits while it is built. One that was interrupted is invalid: this file then runs again.
DROP INDEX CONCURRENTLY IF EXISTS "totp_factors_begun";
-- create index "totp_factors_begun" to table: "totp_factors"
CREATE INDEX CONCURRENTLY "totp_factors_begun" ON "totp_factors" ("created_at") WHERE (NOT confirmed);
