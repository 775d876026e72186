-- +goose Up
-- modify "sessions" table
ALTER TABLE "sessions" ADD COLUMN "amr" character varying NOT NULL DEFAULT 'pwd';
-- the log tells of the new column too
DROP TRIGGER gatehouse_log_update ON "sessions";
CREATE TRIGGER gatehouse_log_update AFTER UPDATE ON "sessions" FOR EACH ROW WHEN (
  OLD."id" IS DISTINCT FROM NEW."id" OR OLD."ended_at" IS DISTINCT FROM NEW."ended_at" OR
  OLD."authenticated_at" IS DISTINCT FROM NEW."authenticated_at" OR OLD."amr" IS DISTINCT FROM NEW."amr" OR
  OLD."user_id" IS DISTINCT FROM NEW."user_id" OR OLD."created_at" IS DISTINCT FROM NEW."created_at" OR
  NEW."idle_expires_at" < OLD."idle_expires_at" OR NEW."expires_at" < OLD."expires_at"
) EXECUTE FUNCTION gatehouse_log();
