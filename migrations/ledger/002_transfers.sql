-- What writes to the books: post_transfer and reverse_transfer, each with one row in the outbox, in the same
-- transaction. Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('ledger migrations', 0));

-- The legs as asked for, each checked by itself, in their order: [{"account_id":...,"asset":"USD","amount":-100},...].
CREATE OR REPLACE FUNCTION ledger_legs(legs jsonb)
  RETURNS TABLE (leg integer, account_id uuid, asset text, amount bigint)
  LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
DECLARE
  asked  jsonb;
  number integer := 0;
  fault  text;
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
      WHEN (asked ->> 'amount')::numeric NOT BETWEEN -9223372036854775808 AND 9223372036854775807
        THEN 'has an amount beyond bigint'
      WHEN (asked ->> 'amount')::numeric = 0
        THEN 'has the amount 0'
    END;
    IF fault IS NOT NULL THEN
      RAISE EXCEPTION 'leg % of the transfer %', number, fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    leg := number;
    account_id := (asked ->> 'account_id')::uuid;
    asset := asked ->> 'asset';
    amount := (asked ->> 'amount')::numeric::bigint;
    RETURN NEXT;
  END LOOP;
END
$$;

-- The one place where books are written: locks the accounts, checks the legs against them and against each other,
-- writes the transfer, its entries and its outbox row.
CREATE OR REPLACE FUNCTION ledger_write_transfer(
  event_type text, legs jsonb, external_id text, correlation_id text, reverses uuid, description text, metadata jsonb,
  transfer uuid
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  fault record;
BEGIN
  SELECT l.asset, sum(l.amount) AS total INTO fault
    FROM ledger_legs(legs) l GROUP BY l.asset HAVING sum(l.amount) <> 0 ORDER BY l.asset LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the legs in % sum to %, not to 0', fault.asset, fault.total
      USING ERRCODE = 'invalid_parameter_value';
  END IF;

  -- Always in the same order, that of the UUIDs' bytes, so that no two transfers wait for each other. Held to the
  -- end of the transaction, so the entries of one account are written one transaction after the other.
  PERFORM FROM accounts a WHERE a.id IN (SELECT l.account_id FROM ledger_legs(legs) l)
    ORDER BY a.id FOR NO KEY UPDATE;
  SELECT l.leg, l.account_id, l.asset, a.asset AS held INTO fault
    FROM ledger_legs(legs) l LEFT JOIN accounts a ON a.id = l.account_id
    WHERE a.asset IS DISTINCT FROM l.asset ORDER BY l.leg LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'leg % of the transfer: %', fault.leg, CASE
        WHEN fault.held IS NULL THEN format('there is no account %s', fault.account_id)
        ELSE format('account %s holds %s, not %s', fault.account_id, fault.held, fault.asset)
      END USING ERRCODE = 'foreign_key_violation';
  END IF;

  INSERT INTO transfers (id, external_id, correlation_id, reverses, description, metadata)
    VALUES (transfer, external_id, correlation_id, reverses, description, metadata);
  INSERT INTO entries (transfer_id, leg, account_id, asset, amount)
    SELECT transfer, l.leg, l.account_id, l.asset, l.amount FROM ledger_legs(legs) l;
  INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, headers)
    VALUES (
      'transfer', transfer::text, event_type,
      jsonb_build_object(
        'transfer_id', transfer, 'external_id', external_id, 'correlation_id', correlation_id, 'reverses', reverses,
        'description', description, 'metadata', metadata, 'legs', (
          SELECT jsonb_agg(
              jsonb_build_object('account_id', l.account_id, 'asset', l.asset, 'amount', l.amount) ORDER BY l.leg)
            FROM ledger_legs(legs) l)),
      CASE WHEN correlation_id IS NULL THEN '{}' ELSE jsonb_build_object('correlation_id', correlation_id) END);
END
$$;

-- Posts a transfer and gives its id. Under an `external_id` that was posted before it gives that transfer's id and
-- writes nothing; with other legs, another description or other metadata under it, it refuses.
CREATE OR REPLACE FUNCTION post_transfer(
  legs jsonb, external_id text DEFAULT NULL, correlation_id text DEFAULT NULL, description text DEFAULT NULL,
  metadata jsonb DEFAULT '{}'
) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  transfer uuid := gen_random_uuid();
  asked    bytea;
  earlier  idempotency_keys;
BEGIN
  metadata := coalesce(metadata, '{}');
  IF jsonb_typeof(metadata) <> 'object' THEN
    RAISE EXCEPTION 'the metadata of a transfer is a JSON object' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF external_id IS NOT NULL THEN
    SELECT sha256(convert_to(jsonb_build_array(jsonb_agg(
        jsonb_build_array(l.account_id, l.asset, l.amount) ORDER BY l.leg), description, metadata)::text, 'UTF8'))
      INTO asked FROM ledger_legs(legs) l;
    -- Waits for another transaction that is posting under this key.
    INSERT INTO idempotency_keys (key, body, transfer_id) VALUES (external_id, asked, transfer)
      ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      SELECT * INTO STRICT earlier FROM idempotency_keys k WHERE k.key = external_id;
      IF earlier.body <> asked THEN
        RAISE EXCEPTION 'external_id % was used for another transfer', quote_literal(external_id)
          USING ERRCODE = 'unique_violation', HINT = 'Repeat the first request unchanged, or use a new external_id.';
      END IF;
      RETURN earlier.transfer_id;
    END IF;
  END IF;
  PERFORM ledger_write_transfer(
    'transfer.posted', legs, external_id, correlation_id, NULL, description, metadata, transfer);
  RETURN transfer;
END
$$;

-- Posts the opposite of a transfer, once, and gives the new transfer's id. It carries the correlation id of what it
-- reverses, and the reason as its description.
CREATE OR REPLACE FUNCTION reverse_transfer(transfer uuid, reason text) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  reversal uuid := gen_random_uuid();
  original transfers;
  opposite jsonb;
BEGIN
  -- The lock makes a second reversal wait for the first, and then see it.
  SELECT * INTO original FROM transfers t WHERE t.id = transfer FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no transfer %', coalesce(transfer::text, 'NULL') USING ERRCODE = 'no_data_found';
  END IF;
  IF EXISTS (SELECT FROM transfers t WHERE t.reverses = transfer) THEN
    RAISE EXCEPTION 'transfer % is reversed already', transfer USING ERRCODE = 'unique_violation';
  END IF;
  SELECT jsonb_agg(jsonb_build_object(
      'account_id', e.account_id, 'asset', e.asset, 'amount', -e.amount::numeric) ORDER BY e.leg)
    INTO opposite FROM entries e WHERE e.transfer_id = transfer;
  PERFORM ledger_write_transfer(
    'transfer.reversed', opposite, NULL, original.correlation_id, transfer, reason, '{}', reversal);
  RETURN reversal;
END
$$;

-- The functions find the tables of the schema they were made in, whatever the caller's search path is.
DO $$
DECLARE
  schemas text := (SELECT string_agg(quote_ident(s), ', ' ORDER BY n)
                     FROM unnest(current_schemas(false)) WITH ORDINALITY AS c (s, n));
  made    text;
BEGIN
  FOREACH made IN ARRAY ARRAY[
    'ledger_legs(jsonb)', 'ledger_write_transfer(text, jsonb, text, text, uuid, text, jsonb, uuid)',
    'post_transfer(jsonb, text, text, text, jsonb)', 'reverse_transfer(uuid, text)'
  ] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %s, pg_temp', made, schemas);
  END LOOP;
END
$$;

INSERT INTO ledger_migration (version, name) VALUES (2, 'transfers') ON CONFLICT DO NOTHING;
COMMIT;
