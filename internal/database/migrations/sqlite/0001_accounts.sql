-- +goose Up
-- create "sessions" table
CREATE TABLE `sessions` (
  `id` uuid NOT NULL,
  `refresh_digest` blob NOT NULL,
  `refresh_generation` integer NOT NULL,
  `authenticated_at` datetime NOT NULL,
  `created_at` datetime NOT NULL,
  `last_used_at` datetime NOT NULL,
  `idle_expires_at` datetime NOT NULL,
  `expires_at` datetime NOT NULL,
  `ended_at` datetime NULL,
  `user_id` uuid NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `sessions_users_sessions` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
);
-- create index "session_user_id" to table: "sessions"
CREATE INDEX `session_user_id` ON `sessions` (`user_id`);
-- create "settings" table
CREATE TABLE `settings` (
  `id` text NOT NULL,
  `value` blob NOT NULL,
  PRIMARY KEY (`id`)
);
-- create "signing_keys" table
CREATE TABLE `signing_keys` (
  `id` text NOT NULL,
  `sequence` integer NOT NULL,
  `sealed` blob NOT NULL,
  `created_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
-- create index "signing_keys_sequence_key" to table: "signing_keys"
CREATE UNIQUE INDEX `signing_keys_sequence_key` ON `signing_keys` (`sequence`);
-- create "users" table
CREATE TABLE `users` (
  `id` uuid NOT NULL,
  `email` text NOT NULL,
  `email_verified` bool NOT NULL DEFAULT (false),
  `name` text NULL,
  `password_hash` text NOT NULL,
  `roles` json NOT NULL,
  `status` text NOT NULL,
  `created_at` datetime NOT NULL,
  `updated_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
-- create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX `users_email_key` ON `users` (`email`);
