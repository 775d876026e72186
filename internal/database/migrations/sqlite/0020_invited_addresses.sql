-- +goose NO TRANSACTION
-- +goose Up
-- create index "onetimetoken_address" to table: "one_time_tokens"
CREATE INDEX IF NOT EXISTS `onetimetoken_address` ON `one_time_tokens` (`address`);
