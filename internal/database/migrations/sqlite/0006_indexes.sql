-- +goose NO TRANSACTION
-- +goose Up
-- Each index is a transaction of its own, so that writers get in between. A file that was interrupted runs again.
-- create index "users_suspended" to table: "users"
CREATE INDEX IF NOT EXISTS `users_suspended` ON `users` (`id`) WHERE status = 'SUSPENDED';
-- create index "users_administrators" to table: "users"
CREATE INDEX IF NOT EXISTS `users_administrators` ON `users` (`id`) WHERE CAST(roles AS text) LIKE '%"ADMIN"%';
