-- What reads the books: an account's balance, the accounts below a path, a trial balance; now, or at a past moment by the time
-- of posting or by effective date. Amounts are in the direction of the account's normal side, but for the trial balance.
-- Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('ledger migrations', 0));

-- An account's entry at a moment: the latest one, or the latest that was posted by then. One probe of an index each.
CREATE OR REPLACE FUNCTION ledger_entry(account uuid, as_of timestamptz) RETURNS entries LANGUAGE plpgsql STABLE AS $$
DECLARE
  found entries;
BEGIN
  IF as_of IS NULL THEN
    SELECT * INTO found FROM entries e WHERE e.account_id = account ORDER BY e.version DESC LIMIT 1;
  ELSE
    SELECT * INTO found FROM entries e WHERE e.account_id = account AND e.posted_at <= as_of
      ORDER BY e.posted_at DESC, e.version DESC LIMIT 1;
  END IF;
  RETURN found;
END
$$;

-- What settled entries change about a balance at a moment where effective dates count instead of the time of posting: those that
-- count at another date than they were posted at, which have an index of their own.
CREATE OR REPLACE FUNCTION ledger_effective_difference(account uuid, as_of timestamptz) RETURNS numeric
  LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(CASE WHEN e.posted_at > as_of THEN e.amount ELSE -e.amount END), 0)
  FROM entries e
  WHERE e.account_id = account AND e.effective_at <> e.posted_at AND e.effect = 'settled'
    AND (e.posted_at <= as_of) <> (e.effective_at <= as_of)
$$;

-- The balance of an account: what has settled, what would have if all that is held settled (pending), and what can be spent
-- (available), with the number of the account's entry that tells it. By effective date only what has settled is known.
CREATE OR REPLACE FUNCTION account_balance(
  account uuid, as_of timestamptz DEFAULT NULL, by_effective_date boolean DEFAULT false
) RETURNS TABLE (asset text, settled bigint, pending bigint, available bigint, version bigint)
  LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  holder accounts;
  latest entries;
  side   integer;
  dated  boolean := by_effective_date AND as_of IS NOT NULL;
BEGIN
  SELECT * INTO holder FROM accounts a WHERE a.id = account;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no account %', coalesce(account::text, 'NULL')
      USING ERRCODE = 'no_data_found', CONSTRAINT = 'unknown_account';
  END IF;
  latest := ledger_entry(account, as_of);
  side := CASE holder.normal_side WHEN 'debit' THEN 1 ELSE -1 END;
  asset := holder.asset;
  version := coalesce(latest.version, 0);
  settled := side * (coalesce(latest.settled, 0)
    + CASE WHEN dated THEN ledger_effective_difference(account, as_of) ELSE 0 END);
  IF NOT dated THEN
    pending := side * (coalesce(latest.settled, 0)::numeric + coalesce(latest.held_debits, 0)
      - coalesce(latest.held_credits, 0));
    available := ledger_available(holder.normal_side, coalesce(latest.settled, 0), coalesce(latest.held_debits, 0),
      coalesce(latest.held_credits, 0));
  END IF;
  RETURN NEXT;
END
$$;

-- The accounts at a path and below it, in the order of their paths: Assets has Assets:Cash, and not AssetsX. A page ends after
-- `most` accounts; the next one begins behind the last path.
CREATE OR REPLACE FUNCTION list_balances(
  prefix text DEFAULT NULL, as_of timestamptz DEFAULT NULL, by_effective_date boolean DEFAULT false,
  book text DEFAULT 'main', metadata jsonb DEFAULT '{}', behind text DEFAULT '', most integer DEFAULT 100
) RETURNS TABLE (
  path text, account_id uuid, asset text, normal_side text, settled bigint, pending bigint, available bigint, version bigint
) LANGUAGE sql STABLE AS $$
  SELECT a.path, a.id, a.asset, a.normal_side, b.settled, b.pending, b.available, b.version
  FROM (
    SELECT * FROM accounts a
    -- Of the paths below it the first is Assets: and the last before Assets;, in the order of bytes. The two ends are said by
    -- themselves, for the index: between them is also Assets-Old.
    WHERE a.book = $4 AND a.path > behind COLLATE "C"
      AND a.path >= coalesce(prefix, '') COLLATE "C" AND a.path < coalesce(prefix || ';', U&'\+10FFFF') COLLATE "C"
      AND (prefix IS NULL OR a.path = prefix OR a.path >= prefix || ':') AND a.metadata @> $5
    ORDER BY a.path COLLATE "C" LIMIT most
  ) AS a,
  account_balance(a.id, as_of, by_effective_date) AS b
  ORDER BY a.path COLLATE "C"
$$;

-- The sums of the accounts at a path and below it, for each asset and normal side.
CREATE OR REPLACE FUNCTION sum_balances(
  prefix text DEFAULT NULL, as_of timestamptz DEFAULT NULL, by_effective_date boolean DEFAULT false,
  book text DEFAULT 'main', metadata jsonb DEFAULT '{}'
) RETURNS TABLE (asset text, normal_side text, settled numeric, pending numeric, available numeric, accounts bigint)
  LANGUAGE sql STABLE AS $$
  SELECT b.asset, b.normal_side, sum(b.settled), sum(b.pending), sum(b.available), count(*)
  FROM list_balances(prefix, as_of, by_effective_date, $4, $5, '', NULL) AS b
  GROUP BY b.asset, b.normal_side ORDER BY b.asset, b.normal_side
$$;

-- Every account of a book with what it has as a debit or as a credit; of each asset the two columns have one sum.
CREATE OR REPLACE FUNCTION trial_balance(
  as_of timestamptz DEFAULT NULL, by_effective_date boolean DEFAULT false, book text DEFAULT 'main'
) RETURNS TABLE (path text, account_id uuid, asset text, debit bigint, credit bigint) LANGUAGE sql STABLE AS $$
  SELECT b.path, b.account_id, b.asset, greatest(b.debits, 0)::bigint, greatest(-b.debits, 0)::bigint
  FROM (
    SELECT b.path, b.account_id, b.asset, CASE b.normal_side WHEN 'debit' THEN b.settled::numeric ELSE -b.settled::numeric END AS debits
    FROM list_balances(NULL, as_of, by_effective_date, $3, '{}', '', NULL) AS b
  ) AS b
  ORDER BY b.path COLLATE "C"
$$;

CALL ledger_bind_to_schema(
  'ledger_entry(uuid, timestamptz)', 'ledger_effective_difference(uuid, timestamptz)',
  'account_balance(uuid, timestamptz, boolean)',
  'list_balances(text, timestamptz, boolean, text, jsonb, text, integer)',
  'sum_balances(text, timestamptz, boolean, text, jsonb)', 'trial_balance(timestamptz, boolean, text)');

INSERT INTO ledger_migration (version, name) VALUES (4, 'balances') ON CONFLICT DO NOTHING;
COMMIT;
