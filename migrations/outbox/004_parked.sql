-- Finds at once what somebody wants done with parked events, and what is parked of one key.
-- Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('outbox-relay migrations', 0));

CREATE INDEX IF NOT EXISTS outbox_parked_requested ON outbox_parked (sink, id) WHERE requested IS NOT NULL;
-- Of a hash, since a key may be too large for an index; 005 replaces one of the key itself.
CREATE INDEX IF NOT EXISTS outbox_parked_key ON outbox_parked (sink, hashtextextended(aggregate_id, 0), id);

INSERT INTO outbox_migration (version, name) VALUES (4, 'parked') ON CONFLICT DO NOTHING;
COMMIT;
