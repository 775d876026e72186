-- +goose Up
-- modify "one_time_tokens" table
ALTER TABLE "one_time_tokens" ADD COLUMN "roles" character varying NULL, ADD COLUMN "locale" character varying NULL;
