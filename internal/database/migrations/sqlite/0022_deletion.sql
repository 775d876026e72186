-- +goose Up
-- add column "erase_at" to table: "users"
ALTER TABLE `users` ADD COLUMN `erase_at` datetime NULL;
-- add column "restorable" to table: "users"
ALTER TABLE `users` ADD COLUMN `restorable` bool NULL;
-- the log tells of the new columns too
DROP TRIGGER gatehouse_log_users_update;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_users_update AFTER UPDATE ON `users`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`email` IS NOT NEW.`email` OR OLD.`email_verified` IS NOT NEW.`email_verified` OR
  OLD.`pending_email` IS NOT NEW.`pending_email` OR OLD.`name` IS NOT NEW.`name` OR OLD.`locale` IS NOT NEW.`locale` OR
  OLD.`password_hash` IS NOT NEW.`password_hash` OR OLD.`credential_generation` IS NOT NEW.`credential_generation` OR
  OLD.`email_proved_generation` IS NOT NEW.`email_proved_generation` OR OLD.`roles` IS NOT NEW.`roles` OR
  OLD.`status` IS NOT NEW.`status` OR OLD.`erase_at` IS NOT NEW.`erase_at` OR
  OLD.`restorable` IS NOT NEW.`restorable` OR OLD.`created_at` IS NOT NEW.`created_at` OR OLD.`updated_at` IS NOT NEW.`updated_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`id`);
END;
-- +goose StatementEnd
