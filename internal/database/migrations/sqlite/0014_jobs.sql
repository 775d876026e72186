-- +goose Up
-- create "jobs" table: work that follows a commit
CREATE TABLE `jobs` (
  `id` uuid NOT NULL,
  `kind` text NOT NULL,
  `args` text NOT NULL,
  `due_at` datetime NOT NULL,
  `attempt` integer NOT NULL,
  `leased_by` text NULL,
  `last_error` text NULL,
  `failed_at` datetime NULL,
  `created_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
-- create index "jobs_due" to table: "jobs"
CREATE INDEX `jobs_due` ON `jobs` (`due_at`) WHERE failed_at IS NULL;
-- create index "jobs_failed" to table: "jobs"
CREATE INDEX `jobs_failed` ON `jobs` (`failed_at`) WHERE failed_at IS NOT NULL;
