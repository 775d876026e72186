-- +goose Up
-- create "access_tokens" table
CREATE TABLE "access_tokens" (
  "id" uuid NOT NULL,
  "session_id" uuid NOT NULL,
  "digest" bytea NOT NULL,
  "name" character varying NOT NULL,
  "scopes" character varying NOT NULL,
  "created_at" timestamptz NOT NULL,
  "expires_at" timestamptz NOT NULL,
  "last_used_at" timestamptz NULL,
  "revoked_at" timestamptz NULL,
  "user_id" uuid NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "access_tokens_users_access_tokens" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE
);
-- create index "accesstoken_digest" to table: "access_tokens"
CREATE UNIQUE INDEX "accesstoken_digest" ON "access_tokens" ("digest");
-- create index "accesstoken_expires_at" to table: "access_tokens"
CREATE INDEX "accesstoken_expires_at" ON "access_tokens" ("expires_at");
-- create index "accesstoken_user_id" to table: "access_tokens"
CREATE INDEX "accesstoken_user_id" ON "access_tokens" ("user_id");
-- the log of changes has a token that may be used less long, or opens something else; one that is used has not changed
-- +goose StatementBegin
DO $do$ BEGIN EXECUTE format($function$
CREATE OR REPLACE FUNCTION gatehouse_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_LEVEL = 'STATEMENT' OR TG_TABLE_NAME = 'signing_keys' THEN
    INSERT INTO %1$I.changes (tx) VALUES (pg_current_xact_id()::text::bigint);
  ELSIF TG_TABLE_NAME = 'revocations' THEN
    INSERT INTO %1$I.changes (tx, user_id, revocation_id)
      VALUES (pg_current_xact_id()::text::bigint, NEW.user_id, NEW.id);
  ELSIF TG_TABLE_NAME IN ('sessions', 'access_tokens') THEN
    INSERT INTO %1$I.changes (tx, user_id) VALUES (pg_current_xact_id()::text::bigint, OLD.user_id);
  ELSE
    INSERT INTO %1$I.changes (tx, user_id) VALUES (pg_current_xact_id()::text::bigint, OLD.id);
  END IF;
  RETURN NULL;
END
$$
$function$, current_schema()); END $do$;
-- +goose StatementEnd
CREATE TRIGGER gatehouse_log_update AFTER UPDATE ON "access_tokens" FOR EACH ROW WHEN (
  OLD."id" IS DISTINCT FROM NEW."id" OR OLD."user_id" IS DISTINCT FROM NEW."user_id" OR
  OLD."digest" IS DISTINCT FROM NEW."digest" OR OLD."scopes" IS DISTINCT FROM NEW."scopes" OR
  OLD."revoked_at" IS DISTINCT FROM NEW."revoked_at" OR NEW."expires_at" < OLD."expires_at"
) EXECUTE FUNCTION gatehouse_log();
CREATE TRIGGER gatehouse_log_delete AFTER DELETE ON "access_tokens" FOR EACH ROW WHEN (OLD."revoked_at" IS NULL) EXECUTE FUNCTION gatehouse_log();
CREATE TRIGGER gatehouse_log_truncate AFTER TRUNCATE ON "access_tokens" FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_log();
