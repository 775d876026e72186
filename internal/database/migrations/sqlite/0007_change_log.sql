-- +goose Up
-- create "changes" table
CREATE TABLE `changes` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `tx` integer NOT NULL,
  `user_id` uuid NULL,
  `revocation_id` integer NULL
);
-- create index "change_tx" to table: "changes"
CREATE INDEX `change_tx` ON `changes` (`tx`);
-- the newest row is never deleted: who finds it again reads the same file as before
INSERT INTO `changes` (`tx`) VALUES (random());
-- a table that a later migration makes again needs its triggers too
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_revocations AFTER INSERT ON `revocations` BEGIN
  INSERT INTO `changes` (`tx`, `user_id`, `revocation_id`) VALUES (random(), NEW.`user_id`, NEW.`id`);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_users_update AFTER UPDATE ON `users`
WHEN OLD.`email` IS NOT NEW.`email` OR OLD.`email_verified` IS NOT NEW.`email_verified` OR OLD.`name` IS NOT NEW.`name` OR
  OLD.`password_hash` IS NOT NEW.`password_hash` OR OLD.`credential_generation` IS NOT NEW.`credential_generation` OR
  OLD.`roles` IS NOT NEW.`roles` OR OLD.`status` IS NOT NEW.`status` OR OLD.`created_at` IS NOT NEW.`created_at` OR
  OLD.`updated_at` IS NOT NEW.`updated_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`id`);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_users_delete AFTER DELETE ON `users` BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`id`);
END;
-- +goose StatementEnd
-- a session that is used or lives longer has not changed; one that may be used less long has, and so has its last proof
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_sessions_update AFTER UPDATE ON `sessions`
WHEN OLD.`ended_at` IS NOT NEW.`ended_at` OR OLD.`authenticated_at` IS NOT NEW.`authenticated_at` OR
  OLD.`user_id` IS NOT NEW.`user_id` OR OLD.`created_at` IS NOT NEW.`created_at` OR
  NEW.`idle_expires_at` < OLD.`idle_expires_at` OR NEW.`expires_at` < OLD.`expires_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`user_id`);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_sessions_delete AFTER DELETE ON `sessions` WHEN OLD.`ended_at` IS NULL BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`user_id`);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_keys_insert AFTER INSERT ON `signing_keys` BEGIN
  INSERT INTO `changes` (`tx`) VALUES (random());
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_keys_update AFTER UPDATE ON `signing_keys` BEGIN
  INSERT INTO `changes` (`tx`) VALUES (random());
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_keys_delete AFTER DELETE ON `signing_keys` BEGIN
  INSERT INTO `changes` (`tx`) VALUES (random());
END;
-- +goose StatementEnd
