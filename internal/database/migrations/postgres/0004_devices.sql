-- +goose Up
-- known networks: devices are known instead
DELETE FROM "throttles" WHERE "account" IS NOT NULL;
-- modify "throttles" table
ALTER TABLE "throttles" DROP COLUMN "account";
-- modify "users" table
ALTER TABLE "users" ADD COLUMN "credential_generation" bigint NOT NULL DEFAULT 0;
