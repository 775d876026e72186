-- +goose Up
-- create "addresses" table; they compare by bytes, whatever the locale is and becomes
CREATE TABLE "addresses" (
  "address" character varying COLLATE "C" NOT NULL,
  "user_id" uuid NOT NULL,
  PRIMARY KEY ("address")
);
-- the addresses of those who write users and know no table of addresses: instances of the version before, and commands
-- in SQL. The address comes before its user, as in this program: all who want it wait for each other in one order. Of an
-- address that somebody has, the index of users tells the writer, or lets the user in whose predecessor was being
-- deleted: then the address comes after. The schema is named: another writer may have another search_path
-- +goose StatementBegin
DO $do$ BEGIN EXECUTE format($function$
CREATE FUNCTION gatehouse_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    DELETE FROM %1$I.addresses;
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    DELETE FROM %1$I.addresses WHERE address = OLD.email AND user_id = OLD.id;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN NULL;
  END IF;
  INSERT INTO %1$I.addresses (address, user_id) VALUES (NEW.email, NEW.id) ON CONFLICT DO NOTHING;
  IF TG_WHEN = 'AFTER' AND NOT FOUND
    AND NOT EXISTS (SELECT FROM %1$I.addresses WHERE address = NEW.email AND user_id = NEW.id) THEN
    RAISE unique_violation USING MESSAGE = 'the address has another owner in the table addresses';
  END IF;
  RETURN NEW;
END
$$
$function$, current_schema()); END $do$;
-- +goose StatementEnd
CREATE TRIGGER gatehouse_address BEFORE INSERT ON "users" FOR EACH ROW EXECUTE FUNCTION gatehouse_address();
CREATE TRIGGER gatehouse_address_insert AFTER INSERT ON "users" FOR EACH ROW EXECUTE FUNCTION gatehouse_address();
CREATE TRIGGER gatehouse_address_update AFTER UPDATE ON "users" FOR EACH ROW WHEN (
  OLD."email" IS DISTINCT FROM NEW."email" OR OLD."id" IS DISTINCT FROM NEW."id"
) EXECUTE FUNCTION gatehouse_address();
CREATE TRIGGER gatehouse_address_delete AFTER DELETE ON "users" FOR EACH ROW EXECUTE FUNCTION gatehouse_address();
CREATE TRIGGER gatehouse_address_truncate AFTER TRUNCATE ON "users" FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_address();
