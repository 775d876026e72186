-- +goose Up
-- add column "passkey_handle" to table: "users"
ALTER TABLE `users` ADD COLUMN `passkey_handle` blob NULL;
-- create "passkeys" table
CREATE TABLE `passkeys` (
  `id` uuid NOT NULL,
  `credential_id` blob NOT NULL,
  `public_key` blob NOT NULL,
  `sign_count` integer NOT NULL,
  `transports` text NOT NULL,
  `aaguid` blob NOT NULL,
  `backup_eligible` bool NOT NULL,
  `backed_up` bool NOT NULL,
  `name` text NULL,
  `credential_generation` integer NOT NULL,
  `last_used_at` datetime NULL,
  `created_at` datetime NOT NULL,
  `user_id` uuid NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `passkeys_users_passkeys` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
);
-- create index "passkey_credential_id" to table: "passkeys"
CREATE UNIQUE INDEX `passkey_credential_id` ON `passkeys` (`credential_id`);
-- create index "passkey_user_id" to table: "passkeys"
CREATE INDEX `passkey_user_id` ON `passkeys` (`user_id`);
-- the log tells of the new column too
DROP TRIGGER gatehouse_log_users_update;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_users_update AFTER UPDATE ON `users`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`email` IS NOT NEW.`email` OR OLD.`email_verified` IS NOT NEW.`email_verified` OR
  OLD.`pending_email` IS NOT NEW.`pending_email` OR OLD.`name` IS NOT NEW.`name` OR OLD.`locale` IS NOT NEW.`locale` OR
  OLD.`password_hash` IS NOT NEW.`password_hash` OR OLD.`credential_generation` IS NOT NEW.`credential_generation` OR
  OLD.`factor_generation` IS NOT NEW.`factor_generation` OR OLD.`passkey_handle` IS NOT NEW.`passkey_handle` OR
  OLD.`email_proved_generation` IS NOT NEW.`email_proved_generation` OR OLD.`roles` IS NOT NEW.`roles` OR
  OLD.`status` IS NOT NEW.`status` OR OLD.`erase_at` IS NOT NEW.`erase_at` OR
  OLD.`restorable` IS NOT NEW.`restorable` OR OLD.`created_at` IS NOT NEW.`created_at` OR OLD.`updated_at` IS NOT NEW.`updated_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`id`);
END;
-- +goose StatementEnd
