-- +goose Up
-- modify "users" table
ALTER TABLE "users" ADD COLUMN "erase_at" timestamptz NULL, ADD COLUMN "restorable" boolean NULL;
