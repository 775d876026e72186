-- +goose Up
-- a statement that changes no signing key is not in the log: what concerns all empties every cache
-- +goose StatementBegin
DO $do$ BEGIN EXECUTE format($function$
CREATE OR REPLACE FUNCTION gatehouse_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_LEVEL = 'STATEMENT' OR TG_TABLE_NAME = 'signing_keys' THEN
    INSERT INTO %1$I.changes (tx) VALUES (pg_current_xact_id()::text::bigint);
  ELSIF TG_TABLE_NAME = 'revocations' THEN
    INSERT INTO %1$I.changes (tx, user_id, revocation_id)
      VALUES (pg_current_xact_id()::text::bigint, NEW.user_id, NEW.id);
  ELSIF TG_TABLE_NAME = 'sessions' THEN
    INSERT INTO %1$I.changes (tx, user_id) VALUES (pg_current_xact_id()::text::bigint, OLD.user_id);
  ELSE
    INSERT INTO %1$I.changes (tx, user_id) VALUES (pg_current_xact_id()::text::bigint, OLD.id);
  END IF;
  RETURN NULL;
END
$$
$function$, current_schema()); END $do$;
-- +goose StatementEnd
DROP TRIGGER gatehouse_log ON "signing_keys";
CREATE TRIGGER gatehouse_log AFTER INSERT OR DELETE ON "signing_keys" FOR EACH ROW EXECUTE FUNCTION gatehouse_log();
CREATE TRIGGER gatehouse_log_update AFTER UPDATE ON "signing_keys" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION gatehouse_log();
CREATE TRIGGER gatehouse_log_truncate AFTER TRUNCATE ON "signing_keys" FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_log();
