-- +goose Up
-- known networks: devices are known instead
DELETE FROM `throttles` WHERE `account` IS NOT NULL;
DROP INDEX `throttle_account`;
ALTER TABLE `throttles` DROP COLUMN `account`;
-- add column "credential_generation" to table: "users"
ALTER TABLE `users` ADD COLUMN `credential_generation` integer NOT NULL DEFAULT 0;
