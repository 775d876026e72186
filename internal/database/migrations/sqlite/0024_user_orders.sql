-- +goose NO TRANSACTION
-- +goose Up
-- create index "users_created" to table: "users"
CREATE INDEX IF NOT EXISTS `users_created` ON `users` (`created_at`, `id`);
-- create index "users_verified" to table: "users"
CREATE INDEX IF NOT EXISTS `users_verified` ON `users` (`email_verified`, `created_at`, `id`);
-- replace indexes of table: "users" that had the order of ids
DROP INDEX IF EXISTS `users_administrators`;
CREATE INDEX IF NOT EXISTS `users_administrators` ON `users` (`created_at`, `id`) WHERE CAST(roles AS text) LIKE '%"ADMIN"%';
DROP INDEX IF EXISTS `users_deleted`;
CREATE INDEX IF NOT EXISTS `users_deleted` ON `users` (`created_at`, `id`) WHERE status = 'DELETED';
DROP INDEX IF EXISTS `users_suspended`;
CREATE INDEX IF NOT EXISTS `users_suspended` ON `users` (`created_at`, `id`) WHERE status = 'SUSPENDED';
