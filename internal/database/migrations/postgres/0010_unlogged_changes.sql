-- +goose Up
-- no id, whose key and sequence all writers queued for; unlogged: no reader goes on after a crash or at a standby, and
-- the empty table says so where a pooler hides it
DROP TABLE "changes";
CREATE UNLOGGED TABLE "changes" (
  "tx" bigint NOT NULL,
  "user_id" uuid NULL,
  "revocation_id" bigint NULL
);
CREATE INDEX "change_tx" ON "changes" ("tx");
-- the mark, by which readers know this table again
INSERT INTO "changes" ("tx", "user_id") VALUES (9223372036854775807, gen_random_uuid());
