-- +goose NO TRANSACTION
-- +goose Up
-- No reader and no writer waits while these are built. One that was interrupted leaves an invalid index of its name,
-- or the old one of the addresses: this file then runs again from its beginning. At every moment one index keeps
-- addresses unique.
DROP INDEX CONCURRENTLY IF EXISTS "users_administrators";
DROP INDEX CONCURRENTLY IF EXISTS "users_suspended";
DROP INDEX CONCURRENTLY IF EXISTS "users_email_new";
DROP INDEX CONCURRENTLY IF EXISTS "users_email_old";
-- create index "users_administrators" to table: "users"
CREATE INDEX CONCURRENTLY "users_administrators" ON "users" ("id") WHERE ((roles)::text ~~ '%"ADMIN"%'::text);
-- create index "users_suspended" to table: "users"
CREATE INDEX CONCURRENTLY "users_suspended" ON "users" ("id") WHERE ((status)::text = 'SUSPENDED'::text);
-- replace index "users_email_key" of table: "users"; renaming waits for no reader and no writer
CREATE UNIQUE INDEX CONCURRENTLY "users_email_new" ON "users" ("email" text_pattern_ops);
-- +goose StatementBegin
DO $$
BEGIN
  ALTER INDEX "users_email_key" RENAME TO "users_email_old";
  ALTER INDEX "users_email_new" RENAME TO "users_email_key";
END
$$;
-- +goose StatementEnd
DROP INDEX CONCURRENTLY "users_email_old";
