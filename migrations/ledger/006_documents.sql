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
-- hold in their order; `behind` is where the page before ended. A page ends after `most` transfers, and after 4 MB.
CREATE OR REPLACE FUNCTION ledger_list_transfers(
  external_id text, hold uuid, account uuid, behind bigint, most integer
) RETURNS json LANGUAGE sql STABLE AS $$
  WITH found AS (
    SELECT t.id, 1::bigint AS place, NULL::bigint AS next FROM transfers t WHERE t.external_id = $1
    UNION ALL
    (
      SELECT s.id, s.number, s.number
        FROM (SELECT t.id, row_number() OVER (ORDER BY t.posted_at, t.id) AS number FROM transfers t WHERE t.hold = $2) AS s
        WHERE s.number > coalesce(behind, 0) ORDER BY s.number LIMIT most + 1
    )
    UNION ALL
    (
      SELECT e.transfer_id, -e.version, e.version FROM entries e
        WHERE e.account_id = $3 AND e.version < coalesce(behind, 9223372036854775807)
          -- Those of one transfer follow one another, and it is shown at the latest of them.
          AND NOT EXISTS (
            SELECT FROM entries l
              WHERE l.account_id = $3 AND l.version = e.version + 1 AND l.transfer_id = e.transfer_id)
        ORDER BY e.version DESC LIMIT most + 1
    )
  ),
  shown AS MATERIALIZED (SELECT f.place, f.next, ledger_show_transfer(f.id)::text AS document FROM found f),
  sized AS (
    SELECT s.*, row_number() OVER p AS number, sum(octet_length(s.document)) OVER p AS bytes
      FROM shown s WINDOW p AS (ORDER BY s.place)
  ),
  page AS (SELECT * FROM sized s WHERE s.number = 1 OR s.number <= most AND s.bytes <= 4000000)
  SELECT json_build_object(
      'transfers', coalesce((SELECT json_agg(p.document::json ORDER BY p.place) FROM page p), '[]'),
      'next', CASE
        WHEN (SELECT count(*) FROM page) < (SELECT count(*) FROM sized)
        THEN (SELECT p.next FROM page p ORDER BY p.place DESC LIMIT 1)
      END)
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
      'balances', coalesce(json_agg(row_to_json(b) ORDER BY b.path COLLATE "C"), '[]'),
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

-- {"as_of":…,"totals":[…],"accounts":[…],"next":…}: a page of a book's accounts, and on the first page the totals of the whole
-- book. Pages that are asked for with the `as_of` of the first one are of one moment.
CREATE OR REPLACE FUNCTION ledger_show_trial_balance(
  as_of timestamptz, by_effective_date boolean, book text, behind text, most integer
) RETURNS json LANGUAGE sql STABLE AS $$
  WITH moment AS (SELECT coalesce(as_of, statement_timestamp()) AS at),
  page AS (
    SELECT b.path, b.account_id, b.asset, CASE b.normal_side WHEN 'debit' THEN b.settled ELSE -b.settled END AS debits
      FROM moment m, list_balances(NULL, m.at, by_effective_date, $3, '{}', behind, most) AS b
  )
  SELECT json_build_object(
      'as_of', (SELECT at FROM moment),
      'totals', CASE WHEN behind = '' THEN coalesce((
        SELECT json_agg(row_to_json(t) ORDER BY t.asset)
        FROM (
          SELECT t.asset, sum(t.debit) AS debit, sum(t.credit) AS credit
            FROM moment m, trial_balance(m.at, by_effective_date, $3) AS t GROUP BY t.asset
        ) AS t
      ), '[]') END,
      'accounts', coalesce((
        SELECT json_agg(row_to_json(a) ORDER BY a.path COLLATE "C")
        FROM (
          SELECT p.path, p.account_id, p.asset, greatest(p.debits, 0) AS debit, greatest(-p.debits, 0) AS credit FROM page p
        ) AS a
      ), '[]'),
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
