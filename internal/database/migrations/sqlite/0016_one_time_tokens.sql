-- +goose Up
-- add column "pending_email" to table: "users"
ALTER TABLE `users` ADD COLUMN `pending_email` text NULL;
-- add column "locale" to table: "users"
ALTER TABLE `users` ADD COLUMN `locale` text NULL;
-- the log tells of the new columns too
DROP TRIGGER gatehouse_log_users_update;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_users_update AFTER UPDATE ON `users`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`email` IS NOT NEW.`email` OR OLD.`email_verified` IS NOT NEW.`email_verified` OR
  OLD.`pending_email` IS NOT NEW.`pending_email` OR OLD.`name` IS NOT NEW.`name` OR OLD.`locale` IS NOT NEW.`locale` OR
  OLD.`password_hash` IS NOT NEW.`password_hash` OR OLD.`credential_generation` IS NOT NEW.`credential_generation` OR
  OLD.`roles` IS NOT NEW.`roles` OR OLD.`status` IS NOT NEW.`status` OR OLD.`created_at` IS NOT NEW.`created_at` OR
  OLD.`updated_at` IS NOT NEW.`updated_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`id`);
END;
-- +goose StatementEnd
-- create "one_time_tokens" table
CREATE TABLE `one_time_tokens` (
  `id` uuid NOT NULL,
  `user_id` uuid NOT NULL,
  `purpose` text NOT NULL,
  `digest` blob NOT NULL,
  `address` text NOT NULL,
  `session_id` uuid NULL,
  `attempts` integer NOT NULL DEFAULT (0),
  `created_at` datetime NOT NULL,
  `expires_at` datetime NOT NULL,
  `used_at` datetime NULL,
  PRIMARY KEY (`id`)
);
-- create index "onetimetoken_user_id" to table: "one_time_tokens"
CREATE INDEX `onetimetoken_user_id` ON `one_time_tokens` (`user_id`);
-- create index "onetimetoken_expires_at" to table: "one_time_tokens"
CREATE INDEX `onetimetoken_expires_at` ON `one_time_tokens` (`expires_at`);
