-- +goose NO TRANSACTION
-- +goose Up
-- create index "jobs_fresh" to table: "jobs"
CREATE INDEX IF NOT EXISTS `jobs_fresh` ON `jobs` (`due_at`) WHERE failed_at IS NULL AND attempt = 0;
-- create index "jobs_begun" to table: "jobs"
CREATE INDEX IF NOT EXISTS `jobs_begun` ON `jobs` (`due_at`) WHERE failed_at IS NULL AND attempt > 0;
-- drop index "jobs_due" from table: "jobs"
DROP INDEX IF EXISTS `jobs_due`;
-- create index "onetimetoken_purpose_expires_at" to table: "one_time_tokens"
CREATE INDEX IF NOT EXISTS `onetimetoken_purpose_expires_at` ON `one_time_tokens` (`purpose`, `expires_at`);
