-- +goose Up
-- add column "erase_at" to table: "users"
ALTER TABLE `users` ADD COLUMN `erase_at` datetime NULL;
-- add column "restorable" to table: "users"
ALTER TABLE `users` ADD COLUMN `restorable` bool NOT NULL DEFAULT (false);
-- create index "users_deleted" to table: "users"
CREATE INDEX `users_deleted` ON `users` (`id`) WHERE status = 'DELETED';
-- create index "users_erasures" to table: "users"
CREATE INDEX `users_erasures` ON `users` (`erase_at`) WHERE erase_at IS NOT NULL;
