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

-- An account holds one asset, and belongs to one book: a name that keeps whole ledgers apart. Its path, such as
-- Assets:Cash, is its place in the book. Amounts are positive for debits and negative for credits; the normal side is the
-- one on which the account's balance is a positive number to people.
CREATE TABLE IF NOT EXISTS accounts (
  id              uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  asset           text        NOT NULL CHECK (asset <> ''),
  name            text,
  opened_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  book            text        NOT NULL DEFAULT 'main' CHECK (book <> ''),
  path            text        COLLATE "C" NOT NULL DEFAULT 'Unfiled:' || gen_random_uuid()
    CHECK (path ~ '^[^:[:cntrl:]]+(:[^:[:cntrl:]]+)*$' AND octet_length(path) <= 1000),
  normal_side     text        NOT NULL DEFAULT 'debit' CHECK (normal_side IN ('debit', 'credit')),
  may_go_negative boolean     NOT NULL DEFAULT true,
  metadata        jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  UNIQUE (id, asset),                                    -- what an entry refers to
  CONSTRAINT accounts_path UNIQUE (book, path)
);

-- A transfer is a step: money that moves (posted), the opposite of another one (reversal), money that is held until it
-- moves (hold), a part of it or all that moves (settlement), or what is let go of it (release).
CREATE TABLE IF NOT EXISTS transfers (
  id             uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  external_id    text        UNIQUE,                     -- the caller's own name for it
  correlation_id text,
  reverses       uuid        UNIQUE REFERENCES transfers, -- a transfer is reversed once
  description    text,
  metadata       jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  posted_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  step           text        NOT NULL DEFAULT 'posted'
    CHECK (step IN ('posted', 'reversal', 'hold', 'settlement', 'release')),
  hold           uuid        REFERENCES transfers,       -- what a settlement or a release belongs to
  effective_at   timestamptz NOT NULL DEFAULT clock_timestamp(), -- when it counts, to those who ask by that date
  CHECK ((hold IS NOT NULL) = (step IN ('settlement', 'release')))
);

-- The legs of transfers, in minor units (cents). Of each transfer they sum to zero for every asset: what has settled, and
-- what is held or freed. An entry carries what its account has after it, so that the latest one tells the balance.
CREATE TABLE IF NOT EXISTS entries (
  transfer_id  uuid        NOT NULL REFERENCES transfers,
  leg          integer     NOT NULL CHECK (leg > 0),
  account_id   uuid        NOT NULL,
  asset        text        NOT NULL,
  amount       bigint      NOT NULL CHECK (amount <> 0),
  effect       text        NOT NULL DEFAULT 'settled' CHECK (effect IN ('settled', 'held', 'freed')),
  version      bigint      NOT NULL,                     -- counts the account's entries
  settled      bigint      NOT NULL,                     -- the sum of its settled entries
  held_debits  bigint      NOT NULL CHECK (held_debits >= 0),
  held_credits bigint      NOT NULL CHECK (held_credits >= 0),
  posted_at    timestamptz NOT NULL,
  effective_at timestamptz NOT NULL,
  PRIMARY KEY (transfer_id, leg),
  FOREIGN KEY (account_id, asset) REFERENCES accounts (id, asset)
);

-- What was asked for under an external id, so that asking again gives the same transfer and asking for
-- something else is refused.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  key         text        PRIMARY KEY,
  body        bytea       NOT NULL,                      -- SHA-256 of what was asked for
  transfer_id uuid        NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'restrict_violation', HINT = 'Post another transfer, or reverse this one with reverse_transfer().';
END
$$;

-- What an account has for those who ask in its normal side's direction, less what is held of it.
CREATE OR REPLACE FUNCTION ledger_available(normal_side text, settled bigint, held_debits bigint, held_credits bigint)
  RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE normal_side
    WHEN 'debit' THEN settled::numeric - held_credits
    ELSE -settled::numeric - held_debits
  END
$$;

-- What an account has after an entry follows from the entry before it, whoever writes it: the latest one, which one probe
-- of an index finds. Two that follow the same one would have the same version, so that one of them is refused.
CREATE OR REPLACE FUNCTION ledger_carry_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  earlier entries;
  holder  accounts;
  free    numeric;
BEGIN
  SELECT * INTO earlier FROM entries e WHERE e.account_id = NEW.account_id ORDER BY e.version DESC LIMIT 1;
  NEW.version := coalesce(earlier.version, 0) + 1;
  NEW.settled := coalesce(earlier.settled, 0);
  NEW.held_debits := coalesce(earlier.held_debits, 0);
  NEW.held_credits := coalesce(earlier.held_credits, 0);
  -- Not before the entry before it, also where the clock was set back.
  NEW.posted_at := greatest(coalesce(NEW.posted_at, clock_timestamp()), earlier.posted_at);
  NEW.effective_at := coalesce(NEW.effective_at, NEW.posted_at);
  IF NEW.effect = 'settled' THEN
    NEW.settled := NEW.settled + NEW.amount;
  ELSIF (NEW.effect = 'held') = (NEW.amount > 0) THEN
    -- A debit is held, or one that was is freed by a credit.
    NEW.held_debits := NEW.held_debits + NEW.amount;
  ELSE
    NEW.held_credits := NEW.held_credits - NEW.amount;
  END IF;
  -- What is pending and available, in either direction, is a bigint, too.
  IF NEW.settled::numeric + NEW.held_debits > 9223372036854775807
    OR NEW.settled::numeric - NEW.held_credits < -9223372036854775807
  THEN
    RAISE EXCEPTION 'the balance of account % would go beyond bigint', NEW.account_id
      USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  SELECT * INTO holder FROM accounts a WHERE a.id = NEW.account_id;
  IF NOT holder.may_go_negative THEN
    free := ledger_available(holder.normal_side, NEW.settled, NEW.held_debits, NEW.held_credits);
    IF free < 0 AND free < ledger_available(
      holder.normal_side, coalesce(earlier.settled, 0), coalesce(earlier.held_debits, 0),
      coalesce(earlier.held_credits, 0))
    THEN
      RAISE EXCEPTION 'account % (%) may not go negative, and would have % %', holder.id, holder.path, free, holder.asset
        USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_may_go_negative';
    END IF;
  END IF;
  RETURN NEW;
END
$$;

-- The entries of a transfer are written by one statement, whole: they sum to zero.
CREATE OR REPLACE FUNCTION ledger_check_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  fault record;
BEGIN
  SELECT w.transfer_id, w.asset, sum(w.amount) AS total INTO fault
    FROM written w GROUP BY w.transfer_id, w.asset, w.effect = 'settled' HAVING sum(w.amount) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the entries of transfer % in % sum to %, not to 0', fault.transfer_id, fault.asset, fault.total
      USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_sum_to_zero';
  END IF;
  SELECT w.transfer_id INTO fault FROM written w GROUP BY w.transfer_id
    HAVING count(*) < 2 OR count(*) <> (SELECT count(*) FROM entries e WHERE e.transfer_id = w.transfer_id) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'transfer % has fewer than two entries, or has had some before', fault.transfer_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_are_whole';
  END IF;
  RETURN NULL;
END
$$;

-- What an account is stays: its entries rest on it.
CREATE OR REPLACE FUNCTION ledger_keep_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  latest entries;
BEGIN
  IF (NEW.id, NEW.asset, NEW.book, NEW.normal_side) IS DISTINCT FROM (OLD.id, OLD.asset, OLD.book, OLD.normal_side) THEN
    RAISE EXCEPTION 'the id, asset, book and normal side of account % stay as they are', OLD.id
      USING ERRCODE = 'restrict_violation', HINT = 'Open another account, and move the balance there.';
  END IF;
  IF OLD.may_go_negative AND NOT NEW.may_go_negative THEN
    SELECT * INTO latest FROM entries e WHERE e.account_id = OLD.id ORDER BY e.version DESC LIMIT 1;
    IF ledger_available(OLD.normal_side, latest.settled, latest.held_debits, latest.held_credits) < 0 THEN
      RAISE EXCEPTION 'account % (%) is negative', OLD.id, OLD.path
        USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_may_go_negative';
    END IF;
  END IF;
  RETURN NEW;
END
$$;

-- A ledger of before has none of this: its accounts are filed, its entries get the balances that they led to.
-- All of it, and what is created below, only where it is missing: ALTER TABLE, CREATE INDEX and CREATE TRIGGER wait for
-- every open transaction that has written to the table, also where there is nothing to do.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'accounts'::regclass AND attname = 'path') THEN
    ALTER TABLE accounts
      ADD COLUMN book text NOT NULL DEFAULT 'main' CHECK (book <> ''),
      ADD COLUMN path text COLLATE "C" NOT NULL DEFAULT 'Unfiled:' || gen_random_uuid()
        CHECK (path ~ '^[^:[:cntrl:]]+(:[^:[:cntrl:]]+)*$' AND octet_length(path) <= 1000),
      ADD COLUMN normal_side text NOT NULL DEFAULT 'debit' CHECK (normal_side IN ('debit', 'credit')),
      ADD COLUMN may_go_negative boolean NOT NULL DEFAULT true,
      ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
      ADD CONSTRAINT accounts_path UNIQUE (book, path);
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'transfers'::regclass AND attname = 'step') THEN
    ALTER TABLE transfers
      ADD COLUMN step text NOT NULL DEFAULT 'posted'
        CHECK (step IN ('posted', 'reversal', 'hold', 'settlement', 'release')),
      ADD COLUMN hold uuid REFERENCES transfers,
      ADD COLUMN effective_at timestamptz,
      ADD CHECK ((hold IS NOT NULL) = (step IN ('settlement', 'release')));
    ALTER TABLE transfers DISABLE TRIGGER append_only;
    UPDATE transfers SET effective_at = posted_at, step = CASE WHEN reverses IS NULL THEN 'posted' ELSE 'reversal' END;
    ALTER TABLE transfers ENABLE ALWAYS TRIGGER append_only;
    ALTER TABLE transfers ALTER effective_at SET DEFAULT clock_timestamp(), ALTER effective_at SET NOT NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'entries'::regclass AND attname = 'version') THEN
    ALTER TABLE entries
      ADD COLUMN effect text NOT NULL DEFAULT 'settled' CHECK (effect IN ('settled', 'held', 'freed')),
      ADD COLUMN version bigint,
      ADD COLUMN settled bigint,
      ADD COLUMN held_debits bigint NOT NULL DEFAULT 0 CHECK (held_debits >= 0),
      ADD COLUMN held_credits bigint NOT NULL DEFAULT 0 CHECK (held_credits >= 0),
      ADD COLUMN posted_at timestamptz,
      ADD COLUMN effective_at timestamptz;
    ALTER TABLE entries DISABLE TRIGGER append_only;
    UPDATE entries e SET version = o.version, settled = o.settled, posted_at = o.posted_at, effective_at = o.posted_at
      FROM (
        SELECT e.transfer_id, e.leg, t.posted_at, row_number() OVER w AS version, sum(e.amount) OVER w AS settled
          FROM entries e JOIN transfers t ON t.id = e.transfer_id
          WINDOW w AS (PARTITION BY e.account_id ORDER BY t.posted_at, e.transfer_id, e.leg)
      ) AS o
      WHERE e.transfer_id = o.transfer_id AND e.leg = o.leg;
    ALTER TABLE entries ENABLE ALWAYS TRIGGER append_only;
    ALTER TABLE entries
      ALTER version SET NOT NULL, ALTER settled SET NOT NULL, ALTER posted_at SET NOT NULL,
      ALTER effective_at SET NOT NULL, ALTER held_debits DROP DEFAULT, ALTER held_credits DROP DEFAULT;
    DROP INDEX IF EXISTS entries_account_id;
  END IF;
END
$$;

DO $$
DECLARE
  append_only text;
BEGIN
  IF to_regclass('entries_version') IS NULL THEN
    -- The latest entry of an account, and any one of its past.
    CREATE UNIQUE INDEX entries_version ON entries (account_id, version);
    CREATE INDEX entries_posted_at ON entries (account_id, posted_at, version);
    -- Few count at another date than they were posted at: those are put right one by one.
    CREATE INDEX entries_effective_at ON entries (account_id) WHERE effective_at <> posted_at;
    CREATE INDEX transfers_hold ON transfers (hold) WHERE hold IS NOT NULL;
  END IF;
  FOREACH append_only IN ARRAY ARRAY['transfers', 'entries'] LOOP
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = append_only::regclass AND tgname = 'append_only') THEN
      EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
                      FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()', append_only);
      -- Fires where session_replication_role would pass over ordinary triggers, too.
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'entries'::regclass AND tgname = 'carry_balance') THEN
    CREATE TRIGGER carry_balance BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION ledger_carry_balance();
    CREATE TRIGGER check_transfer AFTER INSERT ON entries REFERENCING NEW TABLE AS written
      FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_transfer();
    CREATE TRIGGER keep_account BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION ledger_keep_account();
    ALTER TABLE entries ENABLE ALWAYS TRIGGER carry_balance;
    ALTER TABLE entries ENABLE ALWAYS TRIGGER check_transfer;
    ALTER TABLE accounts ENABLE ALWAYS TRIGGER keep_account;
  END IF;
END
$$;

-- Functions find the tables of the schema that they were made in, whatever the caller's search path is.
CREATE OR REPLACE PROCEDURE ledger_bind_to_schema(VARIADIC made text[]) LANGUAGE plpgsql AS $$
DECLARE
  schemas text := (SELECT string_agg(quote_ident(s), ', ' ORDER BY n)
                     FROM unnest(current_schemas(false)) WITH ORDINALITY AS c (s, n));
  one     text;
BEGIN
  FOREACH one IN ARRAY made LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %s, pg_temp', one, schemas);
  END LOOP;
END
$$;
CALL ledger_bind_to_schema(
  'ledger_carry_balance()', 'ledger_check_transfer()', 'ledger_keep_account()');

INSERT INTO ledger_migration (version, name) VALUES (1, 'ledger') ON CONFLICT DO NOTHING;
COMMIT;
