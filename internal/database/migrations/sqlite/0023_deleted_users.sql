-- +goose NO TRANSACTION
-- +goose Up
-- create index "users_deleted" to table: "users"
CREATE INDEX IF NOT EXISTS `users_deleted` ON `users` (`id`) WHERE status = 'DELETED';
-- create index "users_erasures" to table: "users"
CREATE INDEX IF NOT EXISTS `users_erasures` ON `users` (`erase_at`) WHERE erase_at IS NOT NULL;
