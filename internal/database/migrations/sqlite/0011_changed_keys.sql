-- +goose Up
-- a statement that changes no signing key is not in the log: what concerns all empties every cache
DROP TRIGGER gatehouse_log_keys_update;
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_keys_update AFTER UPDATE ON `signing_keys`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`sequence` IS NOT NEW.`sequence` OR OLD.`sealed` IS NOT NEW.`sealed` OR
  OLD.`created_at` IS NOT NEW.`created_at` OR OLD.`signs_at` IS NOT NEW.`signs_at` OR OLD.`ends_at` IS NOT NEW.`ends_at`
BEGIN
  INSERT INTO `changes` (`tx`) VALUES (random());
END;
-- +goose StatementEnd
