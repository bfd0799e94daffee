-- What keeps the cost of a statement, and what stands in its way, within bounds: a publication of nothing but ids, keys
-- of any size among parked events, and room for what an operator wants parked.
-- Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('outbox-relay migrations', 0));

-- WAL mode needs to hear that a row was inserted, and its id: inserts into the unpublished leaf, from PostgreSQL 15 on of
-- the column id alone. Whatever else bears the name is replaced.
DO $$
DECLARE
  leaf regclass;
  -- Column lists came with PostgreSQL 15.
  has_columns boolean := current_setting('server_version_num')::integer >= 150000;
BEGIN
  SELECT i.inhrelid INTO STRICT leaf FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'outbox'::regclass AND pg_get_expr(c.relpartbound, c.oid) = 'FOR VALUES IN (true)';
  IF NOT EXISTS (
    SELECT FROM pg_publication AS p
    JOIN pg_publication_rel AS r ON r.prpubid = p.oid AND r.prrelid = leaf
    JOIN pg_attribute AS a ON a.attrelid = leaf AND a.attname = 'id'
    WHERE p.pubname = 'outbox_relay'
      AND p.pubinsert AND NOT (p.pubupdate OR p.pubdelete OR p.pubtruncate OR p.puballtables OR p.pubviaroot)
      AND (SELECT count(*) FROM pg_publication_tables AS t WHERE t.pubname = p.pubname) = 1
      -- By their names in JSON, since PostgreSQL 14 does not have them.
      AND to_jsonb(r) ->> 'prqual' IS NULL
      AND coalesce(to_jsonb(r) -> 'prattrs', 'null') = CASE WHEN has_columns THEN jsonb_build_array(a.attnum) ELSE 'null' END
  ) THEN
    DROP PUBLICATION IF EXISTS outbox_relay;
    EXECUTE format('CREATE PUBLICATION outbox_relay FOR TABLE %s%s WITH (publish = ''insert'')',
      leaf, CASE WHEN has_columns THEN ' (id)' ELSE '' END);
  END IF;
END
$$;

-- An index holds no key beyond a third of a page, and a key may be of any size: its hash is found by the index, and the
-- key itself compared.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_index WHERE indexrelid = to_regclass('outbox_parked_key')
      AND indrelid = 'outbox_parked'::regclass AND pg_get_indexdef(indexrelid) LIKE '%hashtextextended(aggregate_id%'
  ) THEN
    DROP INDEX IF EXISTS outbox_parked_key;
    CREATE INDEX outbox_parked_key ON outbox_parked (sink, hashtextextended(aggregate_id, 0), id);
  END IF;
END
$$;

-- The lowest entries of a sink that wait, or that are delivered, are found without reading the others.
CREATE INDEX IF NOT EXISTS outbox_late_waiting ON outbox_late (sink, id) WHERE NOT delivered;
CREATE INDEX IF NOT EXISTS outbox_late_delivered ON outbox_late (sink, id) WHERE delivered;

-- Events that somebody wants parked for a sink that has not got past them: the leader does it, and removes the request
-- in the transaction that parks. `taken_by`: the epoch in which a leader has read it.
CREATE TABLE IF NOT EXISTS outbox_parked_request (
  sink         text        NOT NULL,
  id           bigint      NOT NULL,
  taken_by     bigint,
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (sink, id)
);

INSERT INTO outbox_migration (version, name) VALUES (5, 'bounds') ON CONFLICT DO NOTHING;
COMMIT;
