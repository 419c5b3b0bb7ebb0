-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What a model has found out about the caller while the call went on: a JSON object, or nothing.
ALTER TABLE calls ADD COLUMN extracted TEXT;

-- Other servers are told that this has come, and not that the call has changed.
CREATE OR REPLACE FUNCTION cordboard_tell_call() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  how TEXT := lower(TG_OP);
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.extracted IS DISTINCT FROM OLD.extracted THEN
      how := 'extracted';
    END IF;
  END IF;
  IF COALESCE(current_setting('cordboard.silent', TRUE), '') <> 'on' THEN
    PERFORM pg_notify('cordboard', concat_ws(' ', 'calls', NEW.id, COALESCE(NEW.server_id, '-'), how));
  END IF;
  RETURN NULL;
END $$;
