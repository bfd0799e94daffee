-- What must hold of the books, looked at from the rows alone: `ledger reconcile` prints what this finds. One statement sees one
-- snapshot, so that it may run beside transfers that are being posted.
-- Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('ledger migrations', 0));

-- The balance that each account's latest entry carries, against the one that all its amounts make.
CREATE OR REPLACE FUNCTION ledger_check_balances() RETURNS TABLE (invariant text, subject text, detail text)
  LANGUAGE sql STABLE AS $$
  SELECT 'each balance is the sum of its entries', format('account %s', s.account_id),
    format('carries version %s, settled %s, held %s and %s; its entries make version %s, settled %s, held %s and %s',
      e.version, e.settled, e.held_debits, e.held_credits, s.number, s.settled, s.debits, s.credits)
  FROM (
    SELECT e.account_id, count(*) AS number, coalesce(sum(e.amount) FILTER (WHERE e.effect = 'settled'), 0) AS settled,
      coalesce(sum(e.amount) FILTER (WHERE e.effect <> 'settled' AND (e.effect = 'held') = (e.amount > 0)), 0) AS debits,
      coalesce(sum(-e.amount) FILTER (WHERE e.effect <> 'settled' AND (e.effect = 'held') <> (e.amount > 0)), 0) AS credits
    FROM entries e GROUP BY e.account_id
  ) AS s
  CROSS JOIN LATERAL (SELECT * FROM entries e WHERE e.account_id = s.account_id ORDER BY e.version DESC LIMIT 1) AS e
  WHERE (e.version, e.settled, e.held_debits, e.held_credits) IS DISTINCT FROM (s.number, s.settled, s.debits, s.credits)
$$;

-- The same for every entry: the balances of the whole past, rebuilt from the amounts alone.
CREATE OR REPLACE FUNCTION ledger_rebuild_balances() RETURNS TABLE (invariant text, subject text, detail text)
  LANGUAGE sql STABLE AS $$
  SELECT 'each balance is the sum of its entries', format('account %s, entry %s', r.account_id, r.number),
    format('carries version %s, settled %s, held %s and %s; the entries make version %s, settled %s, held %s and %s',
      r.version, r.settled, r.held_debits, r.held_credits, r.number, r.sum_settled, r.sum_debits, r.sum_credits)
  FROM (
    SELECT e.account_id, e.version, e.settled, e.held_debits, e.held_credits, row_number() OVER w AS number,
      coalesce(sum(e.amount) FILTER (WHERE e.effect = 'settled') OVER w, 0) AS sum_settled,
      coalesce(sum(e.amount) FILTER (WHERE e.effect <> 'settled' AND (e.effect = 'held') = (e.amount > 0)) OVER w, 0)
        AS sum_debits,
      coalesce(sum(-e.amount) FILTER (WHERE e.effect <> 'settled' AND (e.effect = 'held') <> (e.amount > 0)) OVER w, 0)
        AS sum_credits
    FROM entries e WINDOW w AS (PARTITION BY e.account_id ORDER BY e.version ROWS UNBOUNDED PRECEDING)
  ) AS r
  WHERE (r.version, r.settled, r.held_debits, r.held_credits)
    IS DISTINCT FROM (r.number, r.sum_settled, r.sum_debits, r.sum_credits)
$$;

CREATE OR REPLACE FUNCTION ledger_check_transfers() RETURNS TABLE (invariant text, subject text, detail text)
  LANGUAGE sql STABLE AS $$
  SELECT 'the legs of a transfer sum to zero', format('transfer %s', e.transfer_id),
    format('in %s its %s legs sum to %s', e.asset,
      CASE WHEN e.effect = 'settled' THEN 'settled' ELSE 'held' END, sum(e.amount))
  FROM entries e GROUP BY e.transfer_id, e.asset, e.effect HAVING sum(e.amount) <> 0
  UNION ALL
  SELECT 'a transfer has at least two entries', format('transfer %s', t.id), format('has %s', count(e.leg))
  FROM transfers t LEFT JOIN entries e ON e.transfer_id = t.id GROUP BY t.id HAVING count(e.leg) < 2
  UNION ALL
  -- What a step writes: a posted transfer has posted entries, and the other way round.
  SELECT 'entries are what their transfer''s step writes', format('transfer %s, leg %s', t.id, e.leg),
    format('a %s has an entry that is %s', t.step, e.effect)
  FROM transfers t JOIN entries e ON e.transfer_id = t.id
  WHERE e.effect <> ALL (CASE t.step
      WHEN 'hold' THEN ARRAY['held'] WHEN 'release' THEN ARRAY['freed'] WHEN 'settlement' THEN ARRAY['freed', 'settled']
      ELSE ARRAY['settled'] END)
  UNION ALL
  SELECT 'a settlement settles what it frees', format('transfer %s', t.id),
    format('of account %s it frees %s and settles %s', e.account_id,
      coalesce(sum(-e.amount) FILTER (WHERE e.effect = 'freed'), 0),
      coalesce(sum(e.amount) FILTER (WHERE e.effect = 'settled'), 0))
  FROM transfers t JOIN entries e ON e.transfer_id = t.id
  WHERE t.step = 'settlement' GROUP BY t.id, e.account_id HAVING sum(e.amount) <> 0
  UNION ALL
  SELECT 'a reversal nets to zero with what it reverses', format('transfer %s', t.id),
    format('of account %s %s are left', e.account_id, sum(e.amount))
  FROM transfers t JOIN entries e ON e.transfer_id IN (t.id, t.reverses) AND e.effect = 'settled'
  WHERE t.reverses IS NOT NULL GROUP BY t.id, e.account_id HAVING sum(e.amount) <> 0
  UNION ALL
  SELECT 'a transfer stays in one book', format('transfer %s', e.transfer_id), string_agg(DISTINCT a.book, ', ')
  FROM entries e JOIN accounts a ON a.id = e.account_id GROUP BY e.transfer_id HAVING count(DISTINCT a.book) > 1
$$;

CREATE OR REPLACE FUNCTION ledger_check_accounts() RETURNS TABLE (invariant text, subject text, detail text)
  LANGUAGE sql STABLE AS $$
  SELECT 'each asset sums to zero', format('asset %s in book %s', a.asset, quote_literal(a.book)), sum(e.amount)::text
  FROM entries e JOIN accounts a ON a.id = e.account_id
  WHERE e.effect = 'settled' GROUP BY a.book, a.asset HAVING sum(e.amount) <> 0
  UNION ALL
  SELECT 'an account that may not go negative does not', format('account %s (%s)', a.id, a.path),
    ledger_available(a.normal_side, e.settled, e.held_debits, e.held_credits)::text
  FROM accounts a
  CROSS JOIN LATERAL (SELECT * FROM entries e WHERE e.account_id = a.id ORDER BY e.version DESC LIMIT 1) AS e
  WHERE NOT a.may_go_negative AND ledger_available(a.normal_side, e.settled, e.held_debits, e.held_credits) < 0
  UNION ALL
  SELECT 'transfers and entries are append-only', format('table %s', n.name), format('trigger %s is missing or off', n.trigger)
  FROM (VALUES
    ('transfers', 'append_only'), ('entries', 'append_only'), ('entries', 'carry_balance'), ('entries', 'check_transfer'),
    ('accounts', 'keep_account')) AS n (name, trigger)
  WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger AS g
    WHERE g.tgrelid = n.name::regclass AND g.tgname = n.trigger AND g.tgenabled = 'A')
$$;

-- One event for each step, which tells what its entries are. Events that were purged are not missed: those of transfers from
-- before the earliest publication that is left.
CREATE OR REPLACE FUNCTION ledger_check_events() RETURNS TABLE (invariant text, subject text, detail text)
  LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  -- Looked up when it runs: the ledger may be there before its outbox.
  RETURN QUERY
  WITH told AS (
    SELECT o.id, o.aggregate_id, o.event_type, o.payload, (o.payload ->> 'transfer_id')::uuid AS transfer_id
    FROM outbox o
    WHERE o.aggregate_type = 'transfer' AND o.event_type LIKE 'transfer.%'
      AND o.payload ->> 'transfer_id' ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
  ), kept AS (
    SELECT coalesce(
      (SELECT min(o.published_at) FROM outbox o WHERE o.published_at IS NOT NULL), (SELECT min(o.created_at) FROM outbox o)
    ) AS since
  ), wanted AS (
    SELECT t.id, t.posted_at, coalesce(t.hold, t.id)::text AS aggregate_id,
      'transfer.' || CASE t.step
        WHEN 'posted' THEN 'posted' WHEN 'reversal' THEN 'reversed' WHEN 'hold' THEN 'held'
        WHEN 'settlement' THEN 'settled' WHEN 'release' THEN 'released' END AS event_type,
      jsonb_build_object(
        'transfer_id', t.id, 'external_id', t.external_id, 'correlation_id', t.correlation_id, 'reverses', t.reverses,
        'description', t.description, 'metadata', t.metadata, 'legs', (
          SELECT jsonb_agg(
              jsonb_build_object('account_id', e.account_id, 'asset', e.asset, 'amount', e.amount) ORDER BY e.leg)
          FROM entries e WHERE e.transfer_id = t.id AND (e.effect <> 'freed' OR t.step = 'release')))
        || CASE WHEN t.hold IS NULL THEN '{}' ELSE jsonb_build_object('hold', t.hold) END AS payload
    FROM transfers t
  )
  SELECT 'each step has one event', format('transfer %s', w.id), 'has none'
  FROM wanted w, kept k WHERE w.posted_at >= k.since AND NOT EXISTS (SELECT FROM told o WHERE o.transfer_id = w.id)
  UNION ALL
  SELECT 'each step has one event', format('transfer %s', o.transfer_id), format('has the events %s',
    string_agg(o.id::text, ', ' ORDER BY o.id))
  FROM told o GROUP BY o.transfer_id HAVING count(*) > 1
  UNION ALL
  SELECT 'an event tells what its entries are', format('event %s', o.id),
    CASE WHEN w.id IS NULL THEN format('there is no transfer %s', o.transfer_id) ELSE format('transfer %s', w.id) END
  FROM told o LEFT JOIN wanted w ON w.id = o.transfer_id
  WHERE (o.event_type, o.aggregate_id, o.payload) IS DISTINCT FROM (w.event_type, w.aggregate_id, w.payload);
END
$$;

CALL ledger_bind_to_schema(
  'ledger_check_balances()', 'ledger_rebuild_balances()', 'ledger_check_transfers()', 'ledger_check_accounts()',
  'ledger_check_events()');

INSERT INTO ledger_migration (version, name) VALUES (5, 'checks') ON CONFLICT DO NOTHING;
COMMIT;
