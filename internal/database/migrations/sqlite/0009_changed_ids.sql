-- +goose Up
-- the log has a session and a user whose id was changed too: whoever remembers them by the old one has to know
DROP TRIGGER gatehouse_log_users_update;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_users_update AFTER UPDATE ON `users`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`email` IS NOT NEW.`email` OR
  OLD.`email_verified` IS NOT NEW.`email_verified` OR OLD.`name` IS NOT NEW.`name` OR
  OLD.`password_hash` IS NOT NEW.`password_hash` OR OLD.`credential_generation` IS NOT NEW.`credential_generation` OR
  OLD.`roles` IS NOT NEW.`roles` OR OLD.`status` IS NOT NEW.`status` OR OLD.`created_at` IS NOT NEW.`created_at` OR
  OLD.`updated_at` IS NOT NEW.`updated_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`id`);
END;
-- +goose StatementEnd
DROP TRIGGER gatehouse_log_sessions_update;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_sessions_update AFTER UPDATE ON `sessions`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`ended_at` IS NOT NEW.`ended_at` OR OLD.`authenticated_at` IS NOT NEW.`authenticated_at` OR
  OLD.`user_id` IS NOT NEW.`user_id` OR OLD.`created_at` IS NOT NEW.`created_at` OR
  NEW.`idle_expires_at` < OLD.`idle_expires_at` OR NEW.`expires_at` < OLD.`expires_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`user_id`);
END;
-- +goose StatementEnd
