-- +goose Up
-- add column "user_salt" to table: "audit_events"
ALTER TABLE `audit_events` ADD COLUMN `user_salt` blob NULL;
-- add column "user_erased" to table: "audit_events"
ALTER TABLE `audit_events` ADD COLUMN `user_erased` blob NULL;
-- add column "actor_salt" to table: "audit_events"
ALTER TABLE `audit_events` ADD COLUMN `actor_salt` blob NULL;
-- add column "actor_erased" to table: "audit_events"
ALTER TABLE `audit_events` ADD COLUMN `actor_erased` blob NULL;
-- add column "form" to table: "audit_seals"
ALTER TABLE `audit_seals` ADD COLUMN `form` integer NOT NULL DEFAULT (1);
-- create "erasures" table
CREATE TABLE `erasures` (
  `id` uuid NOT NULL,
  `addresses` json NOT NULL,
  `created_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
-- accounts that were deleted before: what the audit log says of their users is erased too
INSERT INTO `erasures` (`id`, `addresses`, `created_at`)
SELECT DISTINCT user_id, '[]', '1970-01-01 00:00:00+00:00'
FROM audit_events
WHERE kind = 'account_deleted' AND user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = audit_events.user_id);
