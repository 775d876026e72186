-- +goose Up
-- add column "amr" to table: "sessions"
ALTER TABLE `sessions` ADD COLUMN `amr` text NOT NULL DEFAULT ('pwd');
-- the log tells of the new column too
DROP TRIGGER gatehouse_log_sessions_update;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_sessions_update AFTER UPDATE ON `sessions`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`ended_at` IS NOT NEW.`ended_at` OR OLD.`authenticated_at` IS NOT NEW.`authenticated_at` OR
  OLD.`amr` IS NOT NEW.`amr` OR OLD.`user_id` IS NOT NEW.`user_id` OR OLD.`created_at` IS NOT NEW.`created_at` OR
  NEW.`idle_expires_at` < OLD.`idle_expires_at` OR NEW.`expires_at` < OLD.`expires_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`user_id`);
END;
-- +goose StatementEnd
