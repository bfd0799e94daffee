-- The outbox: the durable queue between a ledger's transactions and the relay.
--
-- A row is inserted in the transaction whose effect it tells of, and moves from one partition to the
-- other once every registered sink has it. Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('outbox-relay migrations', 0));

CREATE TABLE IF NOT EXISTS outbox_migration (
  version    integer     PRIMARY KEY,
  name       text        NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE IF NOT EXISTS outbox (
  id             bigint GENERATED ALWAYS AS IDENTITY,
  aggregate_type text        NOT NULL CHECK (aggregate_type <> ''),
  aggregate_id   text        NOT NULL,               -- the ordering key
  event_type     text        NOT NULL CHECK (event_type <> ''),
  payload        jsonb       NOT NULL,
  headers        jsonb       NOT NULL DEFAULT '{}',  -- traceparent, tracestate, correlation_id, ...
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp() CHECK (isfinite(created_at)),
  published_at   timestamptz
) PARTITION BY LIST ((published_at IS NULL));

CREATE TABLE IF NOT EXISTS outbox_unpublished PARTITION OF outbox (PRIMARY KEY (id)) FOR VALUES IN (true);
CREATE TABLE IF NOT EXISTS outbox_published   PARTITION OF outbox (PRIMARY KEY (id)) FOR VALUES IN (false);

-- The queue's partition is emptied as fast as it fills: vacuum it early, or its index grows dead entries.
ALTER TABLE outbox_unpublished SET (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000
);

INSERT INTO outbox_migration (version, name) VALUES (1, 'outbox') ON CONFLICT DO NOTHING;
COMMIT;
