-- +goose Up
-- add column "factor_generation" to table: "users"
ALTER TABLE `users` ADD COLUMN `factor_generation` integer NOT NULL DEFAULT (0);
-- add columns "amr" and "credential_generation" to table: "one_time_tokens"
ALTER TABLE `one_time_tokens` ADD COLUMN `amr` text NULL;
ALTER TABLE `one_time_tokens` ADD COLUMN `credential_generation` integer NULL;
-- create "recovery_codes" table
CREATE TABLE `recovery_codes` (
  `id` uuid NOT NULL,
  `set_id` uuid NOT NULL,
  `digest` blob NOT NULL,
  `used_at` datetime NULL,
  `created_at` datetime NOT NULL,
  `user_id` uuid NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `recovery_codes_users_recovery_codes` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
);
-- create index "recoverycode_user_id" to table: "recovery_codes"
CREATE INDEX `recoverycode_user_id` ON `recovery_codes` (`user_id`);
-- create "totp_factors" table
CREATE TABLE `totp_factors` (
  `id` uuid NOT NULL,
  `confirmed` bool NOT NULL,
  `session_id` uuid NULL,
  `sealed` blob NOT NULL,
  `last_step` integer NOT NULL DEFAULT (0),
  `last_used_at` datetime NULL,
  `created_at` datetime NOT NULL,
  `user_id` uuid NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `totp_factors_users_totp_factors` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
);
-- create index "totpfactor_user_id_confirmed" to table: "totp_factors"
CREATE UNIQUE INDEX `totpfactor_user_id_confirmed` ON `totp_factors` (`user_id`, `confirmed`);
-- the log tells of the new column too
DROP TRIGGER gatehouse_log_users_update;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_users_update AFTER UPDATE ON `users`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`email` IS NOT NEW.`email` OR OLD.`email_verified` IS NOT NEW.`email_verified` OR
  OLD.`pending_email` IS NOT NEW.`pending_email` OR OLD.`name` IS NOT NEW.`name` OR OLD.`locale` IS NOT NEW.`locale` OR
  OLD.`password_hash` IS NOT NEW.`password_hash` OR OLD.`credential_generation` IS NOT NEW.`credential_generation` OR
  OLD.`factor_generation` IS NOT NEW.`factor_generation` OR
  OLD.`email_proved_generation` IS NOT NEW.`email_proved_generation` OR OLD.`roles` IS NOT NEW.`roles` OR
  OLD.`status` IS NOT NEW.`status` OR OLD.`erase_at` IS NOT NEW.`erase_at` OR
  OLD.`restorable` IS NOT NEW.`restorable` OR OLD.`created_at` IS NOT NEW.`created_at` OR OLD.`updated_at` IS NOT NEW.`updated_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`id`);
END;
-- +goose StatementEnd
