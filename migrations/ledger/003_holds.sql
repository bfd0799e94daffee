-- Transfers that are pending: money is held first, and settles later, whole or in part, or is released. Each step is a transfer
-- of its own with one row in the outbox; what it frees and what it settles are entries beside those that hold.
-- Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('ledger migrations', 0));

-- Holds the legs of a transfer: they count in what is pending, and what flows out of an account is not available any more.
CREATE OR REPLACE FUNCTION hold_transfer(
  legs jsonb, external_id text DEFAULT NULL, correlation_id text DEFAULT NULL, description text DEFAULT NULL,
  metadata jsonb DEFAULT '{}', effective_at timestamptz DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
  RETURN ledger_write_once(
    'hold', ledger_read_legs(legs, 'held'), external_id, correlation_id, description, metadata, effective_at);
END
$$;

-- A hold, locked to the end of the transaction: its steps follow one another.
CREATE OR REPLACE FUNCTION ledger_lock_hold(transfer uuid) RETURNS transfers LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  hold transfers;
BEGIN
  SELECT * INTO hold FROM transfers t WHERE t.id = transfer FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no transfer %', coalesce(transfer::text, 'NULL')
      USING ERRCODE = 'no_data_found', CONSTRAINT = 'unknown_transfer';
  END IF;
  IF hold.step <> 'hold' THEN
    RAISE EXCEPTION 'transfer % is no hold, but a %', transfer, CASE hold.step
        WHEN 'posted' THEN 'transfer that has settled' ELSE hold.step
      END USING ERRCODE = 'object_not_in_prerequisite_state', CONSTRAINT = 'not_a_hold';
  END IF;
  RETURN hold;
END
$$;

-- What of a hold is still held: for each account the debits and the credits.
CREATE OR REPLACE FUNCTION ledger_still_held(transfer uuid) RETURNS ledger_leg[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(ROW(l.leg, l.account_id, l.asset, l.amount, 'held')::ledger_leg ORDER BY l.leg)
  FROM (
    SELECT row_number() OVER (ORDER BY min(e.leg))::integer AS leg, e.account_id, e.asset, sum(e.amount)::bigint AS amount
    FROM (
      SELECT e.leg, e.account_id, e.asset, e.amount, e.amount > 0 AS is_debit
        FROM entries e WHERE e.transfer_id = transfer
      UNION ALL
      -- Freed by the opposite, and so of the other sign; behind those that hold.
      SELECT e.leg + 1000000, e.account_id, e.asset, e.amount, e.amount < 0
        FROM transfers t JOIN entries e ON e.transfer_id = t.id WHERE t.hold = transfer AND e.effect = 'freed'
    ) AS e
    GROUP BY e.account_id, e.asset, e.is_debit HAVING sum(e.amount) <> 0
  ) AS l
$$;

-- Settles a hold: what is still held of it or, in part, the legs that are given, none of them for more than is held.
-- The rest stays held until it settles, too, or is released.
CREATE OR REPLACE FUNCTION settle_transfer(
  transfer uuid, legs jsonb DEFAULT NULL, description text DEFAULT NULL, effective_at timestamptz DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  hold   transfers := ledger_lock_hold(transfer);
  held   ledger_leg[] := ledger_still_held(transfer);
  settle ledger_leg[] := CASE WHEN legs IS NULL THEN held ELSE ledger_read_legs(legs, 'settled') END;
  count  integer := cardinality(settle);
  asked  transfers;
  fault  record;
BEGIN
  IF held IS NULL THEN
    RAISE EXCEPTION 'nothing of transfer % is held any more', transfer
      USING ERRCODE = 'object_not_in_prerequisite_state', CONSTRAINT = 'nothing_held';
  END IF;
  SELECT s.account_id, s.asset, s.amount, coalesce(h.amount, 0) AS held INTO fault
    FROM (
      SELECT l.account_id, l.asset, sum(l.amount) AS amount FROM unnest(settle) l
        GROUP BY l.account_id, l.asset, l.amount > 0
    ) AS s
    LEFT JOIN unnest(held) h
      ON h.account_id = s.account_id AND h.asset = s.asset AND (h.amount > 0) = (s.amount > 0)
    WHERE abs(s.amount) > coalesce(abs(h.amount::numeric), 0) ORDER BY s.account_id LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'of account % are held % %, and % were to settle', fault.account_id, fault.held, fault.asset,
      fault.amount USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'beyond_hold';
  END IF;
  asked.step := 'settlement';
  asked.hold := transfer;
  asked.correlation_id := hold.correlation_id;
  asked.description := coalesce(description, hold.description);
  asked.effective_at := effective_at;
  RETURN ledger_write(asked, (
    SELECT array_agg(l.leg ORDER BY (l.leg).leg) FROM (
      -- Freed first, so that it is there to settle.
      SELECT ROW(s.leg, s.account_id, s.asset, -s.amount, 'freed')::ledger_leg FROM unnest(settle) s
      UNION ALL
      SELECT ROW(s.leg + count, s.account_id, s.asset, s.amount, 'settled')::ledger_leg FROM unnest(settle) s
    ) AS l (leg)));
END
$$;

-- Lets go of what is still held of a hold.
CREATE OR REPLACE FUNCTION release_transfer(transfer uuid, reason text DEFAULT NULL) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  hold  transfers := ledger_lock_hold(transfer);
  held  ledger_leg[] := ledger_still_held(transfer);
  asked transfers;
BEGIN
  IF held IS NULL THEN
    RAISE EXCEPTION 'nothing of transfer % is held any more', transfer
      USING ERRCODE = 'object_not_in_prerequisite_state', CONSTRAINT = 'nothing_held';
  END IF;
  asked.step := 'release';
  asked.hold := transfer;
  asked.correlation_id := hold.correlation_id;
  asked.description := reason;
  RETURN ledger_write(asked, (
    SELECT array_agg(ROW(h.leg, h.account_id, h.asset, -h.amount, 'freed')::ledger_leg ORDER BY h.leg) FROM unnest(held) h));
END
$$;

-- Transfers as people look at them: what became of each.
CREATE OR REPLACE VIEW ledger_transfers AS
  SELECT t.*, v.id AS voided_by, CASE
      WHEN v.id IS NOT NULL THEN 'voided'
      WHEN t.step = 'release' THEN 'released'
      WHEN t.step <> 'hold' THEN 'settled'
      WHEN ledger_still_held(t.id) IS NOT NULL THEN 'pending'
      WHEN EXISTS (SELECT FROM transfers s WHERE s.hold = t.id AND s.step = 'settlement') THEN 'settled'
      ELSE 'released'
    END AS state
  FROM transfers t LEFT JOIN transfers v ON v.reverses = t.id;

CALL ledger_bind_to_schema(
  'hold_transfer(jsonb, text, text, text, jsonb, timestamptz)', 'ledger_lock_hold(uuid)', 'ledger_still_held(uuid)',
  'settle_transfer(uuid, jsonb, text, timestamptz)', 'release_transfer(uuid, text)');

INSERT INTO ledger_migration (version, name) VALUES (3, 'holds') ON CONFLICT DO NOTHING;
COMMIT;
