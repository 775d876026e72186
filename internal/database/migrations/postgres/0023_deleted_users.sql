-- +goose NO TRANSACTION
-- +goose Up
-- No reader and no writer waits while they are built. One that was interrupted is invalid: this file then runs again.
DROP INDEX CONCURRENTLY IF EXISTS "users_deleted";
DROP INDEX CONCURRENTLY IF EXISTS "users_erasures";
-- create index "users_deleted" to table: "users"
CREATE INDEX CONCURRENTLY "users_deleted" ON "users" ("id") WHERE (status = 'DELETED');
-- create index "users_erasures" to table: "users"
CREATE INDEX CONCURRENTLY "users_erasures" ON "users" ("erase_at") WHERE (erase_at IS NOT NULL);
