-- +goose Up
-- add column "user_agent" to table: "sessions"
ALTER TABLE `sessions` ADD COLUMN `user_agent` text NULL;
-- add column "ip" to table: "sessions"
ALTER TABLE `sessions` ADD COLUMN `ip` text NULL;
-- create "new_signing_keys" table: SQLite adds no required column to a table that has rows
CREATE TABLE `new_signing_keys` (
  `id` text NOT NULL,
  `sequence` integer NOT NULL,
  `sealed` blob NOT NULL,
  `created_at` datetime NOT NULL,
  `signs_at` datetime NOT NULL,
  `ends_at` datetime NULL,
  PRIMARY KEY (`id`)
);
-- copy rows; the one key that there was signed from the beginning
INSERT INTO `new_signing_keys` (`id`, `sequence`, `sealed`, `created_at`, `signs_at`)
  SELECT `id`, `sequence`, `sealed`, `created_at`, `created_at` FROM `signing_keys`;
-- drop "signing_keys" table, which no other refers to
DROP TABLE `signing_keys`;
-- rename "new_signing_keys" to "signing_keys"
ALTER TABLE `new_signing_keys` RENAME TO `signing_keys`;
-- create index "signing_keys_sequence_key" to table: "signing_keys"
CREATE UNIQUE INDEX `signing_keys_sequence_key` ON `signing_keys` (`sequence`);
-- create "revocations" table
CREATE TABLE `revocations` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `user_id` uuid NOT NULL,
  `session_id` uuid NULL,
  `roles` json NULL,
  `at` datetime NOT NULL,
  `until` datetime NOT NULL
);
-- create index "revocation_until" to table: "revocations"
CREATE INDEX `revocation_until` ON `revocations` (`until`);
