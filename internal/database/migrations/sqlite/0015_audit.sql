-- +goose Up
-- create "audit_events" table
CREATE TABLE `audit_events` (
  `id` uuid NOT NULL,
  `kind` text NOT NULL,
  `user_id` uuid NULL,
  `session_id` uuid NULL,
  `actor` text NOT NULL,
  `actor_id` uuid NULL,
  `actor_session_id` uuid NULL,
  `operator` text NULL,
  `ip` text NULL,
  `user_agent` text NULL,
  `request_id` text NULL,
  `before` text NULL,
  `after` text NULL,
  `detail` text NULL,
  `omitted` integer NOT NULL,
  PRIMARY KEY (`id`)
);
-- create index "auditevent_user_id_id" to table: "audit_events"
CREATE INDEX `auditevent_user_id_id` ON `audit_events` (`user_id`, `id`);
-- create index "auditevent_actor_id_id" to table: "audit_events"
CREATE INDEX `auditevent_actor_id_id` ON `audit_events` (`actor_id`, `id`);
-- create index "auditevent_kind_id" to table: "audit_events"
CREATE INDEX `auditevent_kind_id` ON `audit_events` (`kind`, `id`);
