-- +goose NO TRANSACTION
-- +goose Up
-- create index "totp_factors_begun" to table: "totp_factors"
CREATE INDEX IF NOT EXISTS `totp_factors_begun` ON `totp_factors` (`created_at`) WHERE NOT confirmed;
