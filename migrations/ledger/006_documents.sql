-- The ledger as the HTTP API shows it: JSON documents, each made by one statement and so of one moment. Times are in the
-- session's time zone. Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('ledger migrations', 0));

CREATE OR REPLACE FUNCTION ledger_show_transfer(transfer uuid) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT row_to_json(shown)
  FROM (
    SELECT t.id, t.step, t.state, t.external_id, t.correlation_id, t.description, t.metadata, t.hold, t.reverses, t.voided_by,
      t.posted_at, t.effective_at, (
        SELECT json_agg(row_to_json(e) ORDER BY e.leg)
        FROM (
          SELECT e.leg, e.account_id, e.asset, e.amount, e.effect FROM entries e WHERE e.transfer_id = t.id
        ) AS e
      ) AS legs
    FROM ledger_transfers t WHERE t.id = transfer
  ) AS shown
$$;

CREATE OR REPLACE FUNCTION ledger_show_account(account uuid) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT row_to_json(shown)
  FROM (
    SELECT a.id, a.book, a.path, a.asset, a.name, a.normal_side, a.may_go_negative, a.metadata, a.opened_at
    FROM accounts a WHERE a.id = account
  ) AS shown
$$;

-- A page of transfers: {"transfers":[…],"next":…}. Those of an account come from the latest one back, each once, and the steps of a
-- hold in their order; `behind` is where the page before ended.
CREATE OR REPLACE FUNCTION ledger_list_transfers(
  external_id text, hold uuid, account uuid, behind bigint, most integer
) RETURNS json LANGUAGE sql STABLE AS $$
  WITH found AS (
    SELECT t.id, 1::bigint AS place, NULL::bigint AS next FROM transfers t WHERE t.external_id = $1
    UNION ALL
    (
      SELECT s.id, s.number, s.number
        FROM (SELECT t.id, row_number() OVER (ORDER BY t.posted_at, t.id) AS number FROM transfers t WHERE t.hold = $2) AS s
        WHERE s.number > coalesce(behind, 0) ORDER BY s.number LIMIT most
    )
    UNION ALL
    (
      SELECT e.transfer_id, -e.version, e.version FROM entries e
        WHERE e.account_id = $3 AND e.version < coalesce(behind, 9223372036854775807)
          -- One transfer may have several entries of the account: it is shown where the latest of them is.
          AND NOT EXISTS (
            SELECT FROM entries l WHERE l.transfer_id = e.transfer_id AND l.account_id = $3 AND l.version > e.version)
        ORDER BY e.version DESC LIMIT most
    )
  )
  SELECT json_build_object(
      'transfers', coalesce((SELECT json_agg(ledger_show_transfer(f.id) ORDER BY f.place) FROM found f), '[]'),
      'next', (SELECT CASE WHEN count(*) OVER () = most THEN f.next END FROM found f ORDER BY f.place DESC LIMIT 1))
$$;

CREATE OR REPLACE FUNCTION ledger_show_balance(account uuid, as_of timestamptz, by_effective_date boolean) RETURNS json
  LANGUAGE sql STABLE AS $$
  SELECT row_to_json(shown)
  FROM (
    SELECT account AS account_id, b.asset, b.settled AS balance, b.version, b.settled, b.pending, b.available, as_of
    FROM account_balance(account, as_of, by_effective_date) AS b
  ) AS shown
$$;

-- A page of balances, {"balances":[…],"next":…}, in the order of their paths; the next one begins behind the last path.
CREATE OR REPLACE FUNCTION ledger_list_balances(
  prefix text, as_of timestamptz, by_effective_date boolean, book text, metadata jsonb, behind text, most integer
) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
      'balances', coalesce(json_agg(row_to_json(b) ORDER BY b.path), '[]'),
      'next', CASE WHEN count(*) = most THEN max(b.path COLLATE "C") END)
  FROM list_balances(prefix, as_of, by_effective_date, $4, $5, behind, most) AS b
$$;

-- {"sums":[…]}: for each asset and normal side.
CREATE OR REPLACE FUNCTION ledger_list_sums(
  prefix text, as_of timestamptz, by_effective_date boolean, book text, metadata jsonb
) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('sums', coalesce(json_agg(row_to_json(s)), '[]'))
  FROM sum_balances(prefix, as_of, by_effective_date, $4, $5) AS s
$$;

-- {"as_of":…,"totals":[…],"accounts":[…],"next":…}: the totals of the whole book, and a page of its accounts. Pages that are
-- asked for with the `as_of` of the first one belong together.
CREATE OR REPLACE FUNCTION ledger_show_trial_balance(
  as_of timestamptz, by_effective_date boolean, book text, behind text, most integer
) RETURNS json LANGUAGE sql STABLE AS $$
  WITH moment AS (SELECT coalesce(as_of, clock_timestamp()) AS at),
  whole AS MATERIALIZED (SELECT t.* FROM moment m, trial_balance(m.at, by_effective_date, $3) AS t),
  page AS (SELECT * FROM whole w WHERE w.path > behind COLLATE "C" ORDER BY w.path LIMIT most)
  SELECT json_build_object(
      'as_of', (SELECT at FROM moment),
      'totals', coalesce((
        SELECT json_agg(row_to_json(t) ORDER BY t.asset)
        FROM (SELECT w.asset, sum(w.debit) AS debit, sum(w.credit) AS credit FROM whole w GROUP BY w.asset) AS t
      ), '[]'),
      'accounts', coalesce((SELECT json_agg(row_to_json(p) ORDER BY p.path) FROM page p), '[]'),
      'next', (SELECT CASE WHEN count(*) = most THEN max(p.path COLLATE "C") END FROM page p))
$$;

CALL ledger_bind_to_schema(
  'ledger_show_transfer(uuid)', 'ledger_show_account(uuid)', 'ledger_list_transfers(text, uuid, uuid, bigint, integer)',
  'ledger_show_balance(uuid, timestamptz, boolean)',
  'ledger_list_balances(text, timestamptz, boolean, text, jsonb, text, integer)',
  'ledger_list_sums(text, timestamptz, boolean, text, jsonb)',
  'ledger_show_trial_balance(timestamptz, boolean, text, text, integer)');

INSERT INTO ledger_migration (version, name) VALUES (6, 'documents') ON CONFLICT DO NOTHING;
COMMIT;
