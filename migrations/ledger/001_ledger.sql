-- The reference ledger's books: accounts, the transfers between them, and each transfer's entries, of which
-- nothing is ever changed or taken away. Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('ledger migrations', 0));

CREATE TABLE IF NOT EXISTS ledger_migration (
  version    integer     PRIMARY KEY,
  name       text        NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- An account holds one asset. Its balance is the sum of its entries.
CREATE TABLE IF NOT EXISTS accounts (
  id        uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  asset     text        NOT NULL CHECK (asset <> ''),
  name      text,
  opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (id, asset)                                     -- what an entry refers to
);

CREATE TABLE IF NOT EXISTS transfers (
  id             uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  external_id    text        UNIQUE,                     -- the caller's own name for it
  correlation_id text,
  reverses       uuid        UNIQUE REFERENCES transfers, -- a transfer is reversed once
  description    text,
  metadata       jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  posted_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The legs of transfers, in minor units (cents). Of each transfer they sum to zero for every asset.
CREATE TABLE IF NOT EXISTS entries (
  transfer_id uuid    NOT NULL REFERENCES transfers,
  leg         integer NOT NULL CHECK (leg > 0),
  account_id  uuid    NOT NULL,
  asset       text    NOT NULL,
  amount      bigint  NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (transfer_id, leg),
  FOREIGN KEY (account_id, asset) REFERENCES accounts (id, asset)
);

-- What was asked for under an external id, so that asking again gives the same transfer and asking for
-- something else is refused.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  key         text        PRIMARY KEY,
  body        bytea       NOT NULL,                      -- SHA-256 of the legs, the description and the metadata
  transfer_id uuid        NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'restrict_violation', HINT = 'Post another transfer, or reverse this one with reverse_transfer().';
END
$$;

-- Created only where they are missing: CREATE INDEX and CREATE TRIGGER wait for every open transaction that has
-- written to the table, also where there is nothing to do.
DO $$
DECLARE
  append_only text;
BEGIN
  IF to_regclass('entries_account_id') IS NULL THEN
    CREATE INDEX entries_account_id ON entries (account_id);
  END IF;
  FOREACH append_only IN ARRAY ARRAY['transfers', 'entries'] LOOP
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = append_only::regclass AND tgname = 'append_only') THEN
      EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
                      FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()', append_only);
      -- Fires where session_replication_role would pass over ordinary triggers, too.
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END IF;
  END LOOP;
END
$$;

INSERT INTO ledger_migration (version, name) VALUES (1, 'ledger') ON CONFLICT DO NOTHING;
COMMIT;
