-- +goose Up
-- create "access_tokens" table
CREATE TABLE `access_tokens` (
  `id` uuid NOT NULL,
  `session_id` uuid NOT NULL,
  `digest` blob NOT NULL,
  `name` text NOT NULL,
  `scopes` text NOT NULL,
  `created_at` datetime NOT NULL,
  `expires_at` datetime NOT NULL,
  `last_used_at` datetime NULL,
  `revoked_at` datetime NULL,
  `user_id` uuid NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `access_tokens_users_access_tokens` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
);
-- create index "accesstoken_digest" to table: "access_tokens"
CREATE UNIQUE INDEX `accesstoken_digest` ON `access_tokens` (`digest`);
-- create index "accesstoken_user_id" to table: "access_tokens"
CREATE INDEX `accesstoken_user_id` ON `access_tokens` (`user_id`);
-- create index "accesstoken_expires_at" to table: "access_tokens"
CREATE INDEX `accesstoken_expires_at` ON `access_tokens` (`expires_at`);
-- the log of changes has a token that may be used less long, or opens something else; one that is used has not changed
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_access_tokens_update AFTER UPDATE ON `access_tokens`
WHEN OLD.`id` IS NOT NEW.`id` OR OLD.`user_id` IS NOT NEW.`user_id` OR OLD.`digest` IS NOT NEW.`digest` OR
  OLD.`scopes` IS NOT NEW.`scopes` OR OLD.`revoked_at` IS NOT NEW.`revoked_at` OR NEW.`expires_at` < OLD.`expires_at`
BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`user_id`);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_log_access_tokens_delete AFTER DELETE ON `access_tokens` WHEN OLD.`revoked_at` IS NULL BEGIN
  INSERT INTO `changes` (`tx`, `user_id`) VALUES (random(), OLD.`user_id`);
END;
-- +goose StatementEnd
