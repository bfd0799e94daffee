-- What WAL mode reads: inserts into the unpublished leaf, and nothing else. On the parent, every row that is
-- marked published would come back as a new insert. 005 says of which shape; here only its place is taken, once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('outbox-relay migrations', 0));

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'outbox_relay') THEN
    EXECUTE 'CREATE PUBLICATION outbox_relay FOR TABLE outbox_unpublished WITH (publish = ''insert'')';
  END IF;
END
$$;

INSERT INTO outbox_migration (version, name) VALUES (3, 'publication') ON CONFLICT DO NOTHING;
COMMIT;
