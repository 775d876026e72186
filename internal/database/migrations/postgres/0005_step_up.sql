-- +goose Up
-- tell every instance of a proof of identity too: it counts for all tokens of the session
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION gatehouse_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'revocations' THEN
    PERFORM pg_notify('gatehouse_changes', json_build_object('revocation', row_to_json(NEW))::text);
  ELSIF TG_TABLE_NAME = 'users' THEN
    PERFORM pg_notify('gatehouse_changes', json_build_object('user', NEW.id)::text);
  ELSIF TG_TABLE_NAME = 'sessions' THEN
    PERFORM pg_notify('gatehouse_changes', json_build_object('user', NEW.user_id)::text);
  ELSE
    PERFORM pg_notify('gatehouse_changes', json_build_object('keys', true)::text);
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER gatehouse_tell_sessions AFTER UPDATE OF "authenticated_at" ON "sessions" FOR EACH ROW WHEN (OLD."authenticated_at" IS DISTINCT FROM NEW."authenticated_at") EXECUTE FUNCTION gatehouse_tell();
