-- +goose Up
-- modify "audit_events" table
ALTER TABLE "audit_events" ADD COLUMN "user_salt" bytea NULL, ADD COLUMN "user_erased" bytea NULL, ADD COLUMN "actor_salt" bytea NULL, ADD COLUMN "actor_erased" bytea NULL;
-- modify "audit_seals" table
ALTER TABLE "audit_seals" ADD COLUMN "form" bigint NOT NULL DEFAULT 1;
-- create "erasures" table
CREATE TABLE "erasures" (
  "id" uuid NOT NULL,
  "addresses" jsonb NOT NULL,
  "created_at" timestamptz NOT NULL,
  PRIMARY KEY ("id")
);
-- accounts that were deleted before: what the audit log says of their users is erased too
INSERT INTO "erasures" ("id", "addresses", "created_at")
SELECT DISTINCT user_id, CAST('[]' AS jsonb), CAST('1970-01-01 00:00:00+00' AS timestamptz)
FROM audit_events
WHERE kind = 'account_deleted' AND user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = audit_events.user_id);
