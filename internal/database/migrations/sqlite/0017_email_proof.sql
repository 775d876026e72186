-- +goose Up
-- add column "email_proved_generation" to table: "users"
ALTER TABLE `users` ADD COLUMN `email_proved_generation` integer NULL;
-- the log tells of the new column too
DROP TRIGGER gatehouse_log_users_update;
-- addresses that are confirmed count as shown by who has the password
UPDATE `users` SET `email_proved_generation` = `credential_generation` WHERE `email_verified`;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_users_update AFTER UPDATE ON `users`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`email` IS NOT NEW.`email` OR OLD.`email_verified` IS NOT NEW.`email_verified` OR
  OLD.`pending_email` IS NOT NEW.`pending_email` OR OLD.`name` IS NOT NEW.`name` OR OLD.`locale` IS NOT NEW.`locale` OR
  OLD.`password_hash` IS NOT NEW.`password_hash` OR OLD.`credential_generation` IS NOT NEW.`credential_generation` OR
  OLD.`email_proved_generation` IS NOT NEW.`email_proved_generation` OR OLD.`roles` IS NOT NEW.`roles` OR
  OLD.`status` IS NOT NEW.`status` OR OLD.`created_at` IS NOT NEW.`created_at` OR OLD.`updated_at` IS NOT NEW.`updated_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`id`);
END;
-- +goose StatementEnd
