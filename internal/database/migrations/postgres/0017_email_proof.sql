-- +goose NO TRANSACTION
-- +goose Up
-- modify "users" table
ALTER TABLE "users" ADD COLUMN IF NOT EXISTS "email_proved_generation" bigint NULL;
-- addresses that are confirmed count as shown by who has the password. Without a transaction nobody waits for the search
UPDATE "users" SET "email_proved_generation" = "credential_generation"
WHERE "email_verified" AND "email_proved_generation" IS NULL;
