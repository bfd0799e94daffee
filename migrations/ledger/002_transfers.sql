-- What writes to the books: post_transfer and reverse_transfer, each with one row in the outbox, in the same
-- transaction. Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('ledger migrations', 0));

DO $$
BEGIN
  IF to_regtype('ledger_leg') IS NULL THEN
    CREATE TYPE ledger_leg AS (leg integer, account_id uuid, asset text, amount bigint, effect text);
  END IF;
END
$$;

-- The legs as asked for, each checked by itself, in their order: [{"account_id":...,"asset":"USD","amount":-100},...].
DROP FUNCTION IF EXISTS ledger_legs(jsonb);
CREATE OR REPLACE FUNCTION ledger_read_legs(legs jsonb, effect text) RETURNS ledger_leg[]
  LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  asked  jsonb;
  number integer := 0;
  fault  text;
  read   ledger_leg[] := '{}';
BEGIN
  IF legs IS NULL OR jsonb_typeof(legs) <> 'array' OR jsonb_array_length(legs) < 2 THEN
    RAISE EXCEPTION 'a transfer has at least two legs, in a JSON array'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOR asked IN SELECT value FROM jsonb_array_elements(legs) LOOP
    number := number + 1;
    fault := CASE
      WHEN jsonb_typeof(asked) <> 'object'
        THEN 'is not an object'
      WHEN asked ->> 'account_id' IS NULL OR jsonb_typeof(asked -> 'account_id') <> 'string'
        OR asked ->> 'account_id' !~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
        THEN 'has no account_id that is a UUID'
      WHEN coalesce(asked ->> 'asset', '') = '' OR jsonb_typeof(asked -> 'asset') <> 'string'
        THEN 'has no asset'
      WHEN asked -> 'amount' IS NULL OR jsonb_typeof(asked -> 'amount') <> 'number'
        THEN 'has no amount that is a number'
      WHEN (asked ->> 'amount')::numeric % 1 <> 0
        THEN 'has an amount that is not a whole number of minor units'
      -- What cannot be reversed is not posted: the opposite of the lowest bigint is none.
      WHEN (asked ->> 'amount')::numeric NOT BETWEEN -9223372036854775807 AND 9223372036854775807
        THEN 'has an amount beyond bigint'
      WHEN (asked ->> 'amount')::numeric = 0
        THEN 'has the amount 0'
    END;
    IF fault IS NOT NULL THEN
      RAISE EXCEPTION 'leg % of the transfer %', number, fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    read[number] := ROW(
      number, asked ->> 'account_id', asked ->> 'asset', (asked ->> 'amount')::numeric::bigint, effect)::ledger_leg;
  END LOOP;
  RETURN read;
END
$$;

-- The one place where books are written: locks the accounts, checks the legs against them, writes the transfer, its
-- entries and its outbox row.
CREATE OR REPLACE FUNCTION ledger_write(asked transfers, legs ledger_leg[]) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  fault record;
  told  jsonb;
BEGIN
  asked.id := coalesce(asked.id, gen_random_uuid());
  asked.metadata := coalesce(asked.metadata, '{}');
  IF jsonb_typeof(asked.metadata) <> 'object' THEN
    RAISE EXCEPTION 'the metadata of a transfer is a JSON object' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT l.asset, sum(l.amount) AS total INTO fault
    FROM unnest(legs) l GROUP BY l.asset, l.effect = 'settled' HAVING sum(l.amount) <> 0 ORDER BY l.asset LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the legs in % sum to %, not to 0', fault.asset, fault.total
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'unbalanced';
  END IF;

  -- Always in the same order, that of the UUIDs' bytes, so that no two transfers wait for each other. Held to the
  -- end of the transaction, so the entries of one account are written one transaction after the other.
  PERFORM FROM accounts a WHERE a.id IN (SELECT l.account_id FROM unnest(legs) l)
    ORDER BY a.id FOR NO KEY UPDATE;
  SELECT l.leg, l.account_id, l.asset, a.asset AS held INTO fault
    FROM unnest(legs) l LEFT JOIN accounts a ON a.id = l.account_id
    WHERE a.asset IS DISTINCT FROM l.asset ORDER BY l.leg LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'leg % of the transfer: %', fault.leg, CASE
        WHEN fault.held IS NULL THEN format('there is no account %s', fault.account_id)
        ELSE format('account %s holds %s, not %s', fault.account_id, fault.held, fault.asset)
      END USING ERRCODE = 'foreign_key_violation',
        CONSTRAINT = CASE WHEN fault.held IS NULL THEN 'unknown_account' ELSE 'asset_mismatch' END;
  END IF;
  SELECT min(a.book) AS one, max(a.book) AS other INTO fault
    FROM accounts a WHERE a.id IN (SELECT l.account_id FROM unnest(legs) l);
  IF fault.one <> fault.other THEN
    RAISE EXCEPTION 'the legs of the transfer are in the books % and %, and a transfer is in one',
      quote_literal(fault.one), quote_literal(fault.other)
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'several_books';
  END IF;

  -- After the locks, so that an account's entries have its order.
  asked.posted_at := clock_timestamp();
  asked.effective_at := coalesce(asked.effective_at, asked.posted_at);
  INSERT INTO transfers SELECT asked.*;
  INSERT INTO entries (transfer_id, leg, account_id, asset, amount, effect, posted_at, effective_at)
    SELECT asked.id, l.leg, l.account_id, l.asset, l.amount, l.effect, asked.posted_at, asked.effective_at
      FROM unnest(legs) l ORDER BY l.leg;
  -- Of a settlement what was freed goes without saying: it is what settles.
  SELECT jsonb_agg(
      jsonb_build_object('account_id', l.account_id, 'asset', l.asset, 'amount', l.amount) ORDER BY l.leg)
    INTO told FROM unnest(legs) l WHERE l.effect <> 'freed' OR asked.step = 'release';
  INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, headers)
    VALUES (
      -- The steps of a hold have its id as their aggregate, so that they stay in order where order is kept by key.
      'transfer', coalesce(asked.hold, asked.id)::text,
      'transfer.' || CASE asked.step
        WHEN 'posted' THEN 'posted' WHEN 'reversal' THEN 'reversed' WHEN 'hold' THEN 'held'
        WHEN 'settlement' THEN 'settled' WHEN 'release' THEN 'released' END,
      jsonb_build_object(
        'transfer_id', asked.id, 'external_id', asked.external_id, 'correlation_id', asked.correlation_id,
        'reverses', asked.reverses, 'description', asked.description, 'metadata', asked.metadata, 'legs', told)
        || CASE WHEN asked.hold IS NULL THEN '{}' ELSE jsonb_build_object('hold', asked.hold) END,
      CASE
        WHEN asked.correlation_id IS NULL THEN '{}'
        ELSE jsonb_build_object('correlation_id', asked.correlation_id)
      END);
  RETURN asked.id;
END
$$;

-- Writes what is asked for. What was asked for under the same external id before is not written again: this gives that transfer's id,
-- or refuses where something else is asked for now.
CREATE OR REPLACE FUNCTION ledger_write_once(
  step text, legs ledger_leg[], external_id text, correlation_id text, description text, metadata jsonb,
  effective_at timestamptz
) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  asked   transfers;
  body    bytea;
  earlier idempotency_keys;
BEGIN
  asked.id := gen_random_uuid();
  asked.step := step;
  asked.external_id := external_id;
  asked.correlation_id := correlation_id;
  asked.description := description;
  asked.metadata := coalesce(metadata, '{}');
  asked.effective_at := effective_at;
  IF external_id IS NULL THEN RETURN ledger_write(asked, legs); END IF;
  body := sha256(convert_to((
      SELECT jsonb_build_array(
          jsonb_agg(jsonb_build_array(l.account_id, l.asset, l.amount) ORDER BY l.leg), description, asked.metadata)
        FROM unnest(legs) l
    )::text || CASE
      -- What was posted before there was anything else is known by this alone.
      WHEN step = 'posted' AND effective_at IS NULL THEN ''
      ELSE jsonb_build_array(step, effective_at AT TIME ZONE 'UTC')::text
    END, 'UTF8'));
  -- Waits for another transaction that is posting under this key.
  INSERT INTO idempotency_keys (key, body, transfer_id) VALUES (external_id, body, asked.id) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN ledger_write(asked, legs); END IF;
  SELECT * INTO STRICT earlier FROM idempotency_keys k WHERE k.key = external_id;
  IF earlier.body <> body THEN
    RAISE EXCEPTION 'external_id % was used for another transfer', quote_literal(external_id)
      USING ERRCODE = 'unique_violation', CONSTRAINT = 'external_id_used',
        HINT = 'Repeat the first request unchanged, or use a new external_id.';
  END IF;
  RETURN earlier.transfer_id;
END
$$;

-- Posts a transfer and gives its id. Under an `external_id` that was posted before it gives that transfer's id and
-- writes nothing; with other legs, another description or other metadata under it, it refuses.
CREATE OR REPLACE FUNCTION post_transfer(
  legs jsonb, external_id text DEFAULT NULL, correlation_id text DEFAULT NULL, description text DEFAULT NULL,
  metadata jsonb DEFAULT '{}', effective_at timestamptz DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
  RETURN ledger_write_once(
    'posted', ledger_read_legs(legs, 'settled'), external_id, correlation_id, description, metadata, effective_at);
END
$$;
-- With fewer parameters a call would fit both.
DROP FUNCTION IF EXISTS post_transfer(jsonb, text, text, text, jsonb);
DROP FUNCTION IF EXISTS ledger_write_transfer(text, jsonb, text, text, uuid, text, jsonb, uuid);

-- Posts the opposite of a transfer, once, and gives the new transfer's id. It carries the correlation id of what it
-- reverses, and the reason as its description.
CREATE OR REPLACE FUNCTION reverse_transfer(transfer uuid, reason text) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  original transfers;
  asked    transfers;
  opposite ledger_leg[];
BEGIN
  -- The lock makes a second reversal wait for the first, and then see it.
  SELECT * INTO original FROM transfers t WHERE t.id = transfer FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no transfer %', coalesce(transfer::text, 'NULL')
      USING ERRCODE = 'no_data_found', CONSTRAINT = 'unknown_transfer';
  END IF;
  IF original.step IN ('hold', 'release') THEN
    RAISE EXCEPTION 'transfer % is a %: nothing has settled by it', transfer, original.step
      USING ERRCODE = 'object_not_in_prerequisite_state', CONSTRAINT = 'nothing_settled',
        HINT = 'Release what is held with release_transfer().';
  END IF;
  IF EXISTS (SELECT FROM transfers t WHERE t.reverses = transfer) THEN
    RAISE EXCEPTION 'transfer % is reversed already', transfer
      USING ERRCODE = 'unique_violation', CONSTRAINT = 'already_reversed';
  END IF;
  SELECT array_agg(ROW(e.number, e.account_id, e.asset, -e.amount, 'settled')::ledger_leg ORDER BY e.leg)
    INTO opposite
    FROM (
      SELECT row_number() OVER (ORDER BY e.leg)::integer AS number, e.* FROM entries e
        WHERE e.transfer_id = transfer AND e.effect = 'settled'
    ) AS e;
  asked.step := 'reversal';
  asked.reverses := transfer;
  asked.correlation_id := original.correlation_id;
  asked.description := reason;
  RETURN ledger_write(asked, opposite);
END
$$;

CALL ledger_bind_to_schema(
  'ledger_read_legs(jsonb, text)', 'ledger_write(transfers, ledger_leg[])',
  'ledger_write_once(text, ledger_leg[], text, text, text, jsonb, timestamptz)',
  'post_transfer(jsonb, text, text, text, jsonb, timestamptz)', 'reverse_transfer(uuid, text)');

INSERT INTO ledger_migration (version, name) VALUES (2, 'transfers') ON CONFLICT DO NOTHING;
COMMIT;
