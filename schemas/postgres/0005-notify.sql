-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Servers on one database tell each other what has changed, on the channel "cordboard": the table; of
-- calls and their lines also the row and the server that runs the call. Whoever writes (another
-- program, psql) tells it so without knowing. cordboard.silent is set by what copies whole databases.
CREATE FUNCTION cordboard_tell_table() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF COALESCE(current_setting('cordboard.silent', TRUE), '') <> 'on' THEN
    PERFORM pg_notify('cordboard', TG_TABLE_NAME);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION cordboard_tell_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF COALESCE(current_setting('cordboard.silent', TRUE), '') <> 'on' THEN
    PERFORM pg_notify('cordboard', concat_ws(' ', 'calls', NEW.id, COALESCE(NEW.server_id, '-'), lower(TG_OP)));
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION cordboard_tell_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF COALESCE(current_setting('cordboard.silent', TRUE), '') <> 'on' THEN
    PERFORM pg_notify('cordboard', concat_ws(' ', 'transcript_entries', NEW.id,
                      COALESCE((SELECT server_id FROM calls WHERE id = NEW.call_id), '-'), 'insert'));
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER agents_tell AFTER INSERT OR UPDATE OR DELETE ON agents
  FOR EACH STATEMENT EXECUTE FUNCTION cordboard_tell_table();
CREATE TRIGGER phone_numbers_tell AFTER INSERT OR UPDATE OR DELETE ON phone_numbers
  FOR EACH STATEMENT EXECUTE FUNCTION cordboard_tell_table();
CREATE TRIGGER api_keys_tell AFTER INSERT OR UPDATE OR DELETE ON api_keys
  FOR EACH STATEMENT EXECUTE FUNCTION cordboard_tell_table();
CREATE TRIGGER webhook_deliveries_tell AFTER INSERT ON webhook_deliveries
  FOR EACH STATEMENT EXECUTE FUNCTION cordboard_tell_table();
CREATE TRIGGER calls_tell AFTER INSERT OR UPDATE ON calls
  FOR EACH ROW EXECUTE FUNCTION cordboard_tell_call();
CREATE TRIGGER transcript_entries_tell AFTER INSERT ON transcript_entries
  FOR EACH ROW EXECUTE FUNCTION cordboard_tell_line();
