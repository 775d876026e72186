-- +goose Up
-- add column "roles" to table: "one_time_tokens"
ALTER TABLE `one_time_tokens` ADD COLUMN `roles` text NULL;
-- add column "locale" to table: "one_time_tokens"
ALTER TABLE `one_time_tokens` ADD COLUMN `locale` text NULL;
