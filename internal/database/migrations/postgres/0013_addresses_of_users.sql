-- +goose NO TRANSACTION
-- +goose Up
-- The addresses of the users that were there before, a thousand a transaction: who deletes one of these, or wants one of
-- their addresses, waits for no more. A file that was interrupted runs again.
-- +goose StatementBegin
DO $$
DECLARE
  done uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
  LOOP
    -- held: whoever deletes a user meanwhile finds the address that has to go too
    WITH step AS MATERIALIZED (
      SELECT id, email FROM users WHERE id > done ORDER BY id LIMIT 1000 FOR KEY SHARE
    ), added AS (
      INSERT INTO addresses (address, user_id) SELECT email, id FROM step ON CONFLICT DO NOTHING
    )
    SELECT id INTO done FROM step ORDER BY id DESC LIMIT 1;
    EXIT WHEN done IS NULL;
    COMMIT;
  END LOOP;
END
$$;
-- +goose StatementEnd
