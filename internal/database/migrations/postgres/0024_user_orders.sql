-- +goose NO TRANSACTION
-- +goose Up
-- No reader and no writer waits while they are built. One that was interrupted is invalid: this file then runs again.
DROP INDEX CONCURRENTLY IF EXISTS "users_created";
DROP INDEX CONCURRENTLY IF EXISTS "users_verified";
-- create index "users_created" to table: "users"
CREATE INDEX CONCURRENTLY "users_created" ON "users" ("created_at", "id");
-- create index "users_verified" to table: "users"
CREATE INDEX CONCURRENTLY "users_verified" ON "users" ("email_verified", "created_at", "id");
-- replace indexes of table: "users" that had the order of ids
DROP INDEX CONCURRENTLY IF EXISTS "users_administrators";
CREATE INDEX CONCURRENTLY "users_administrators" ON "users" ("created_at", "id") WHERE ((roles)::text ~~ '%"ADMIN"%'::text);
DROP INDEX CONCURRENTLY IF EXISTS "users_deleted";
CREATE INDEX CONCURRENTLY "users_deleted" ON "users" ("created_at", "id") WHERE ((status)::text = 'DELETED'::text);
DROP INDEX CONCURRENTLY IF EXISTS "users_suspended";
CREATE INDEX CONCURRENTLY "users_suspended" ON "users" ("created_at", "id") WHERE ((status)::text = 'SUSPENDED'::text);
