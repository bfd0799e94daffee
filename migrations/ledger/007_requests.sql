-- What the HTTP API was asked under which Idempotency-Key, and what it answered. A request takes two transactions: one
-- reserves the key, the next one does what is asked and completes the key; where that fails for good, a third one completes
-- it with the refusal. Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('ledger migrations', 0));

CREATE TABLE IF NOT EXISTS ledger_requests (
  key         text        COLLATE "C" PRIMARY KEY CHECK (octet_length(key) BETWEEN 1 AND 255),
  digest      bytea       NOT NULL CHECK (octet_length(digest) = 32), -- SHA-256 of what is asked for
  attempt     uuid        NOT NULL,                      -- who works on it, or has answered it
  reserved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  status      smallint,                                  -- of the answer; none while the request is in flight
  content     bytea,                                     -- the answer's body, as it is sent each time
  CHECK ((status IS NULL) = (content IS NULL))
) WITH (
  fillfactor = 50,                                       -- room for the answer beside what was reserved
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000 -- keys go a thousand at a time
);

CREATE OR REPLACE FUNCTION ledger_keep_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the answer under key % stays as it is', quote_literal(OLD.key) USING ERRCODE = 'restrict_violation';
END
$$;

DO $$
BEGIN
  IF to_regclass('ledger_requests_reserved_at') IS NULL THEN
    CREATE INDEX ledger_requests_reserved_at ON ledger_requests (reserved_at); -- the order in which keys expire
    CREATE TRIGGER keep_answer BEFORE UPDATE ON ledger_requests FOR EACH ROW WHEN (OLD.status IS NOT NULL)
      EXECUTE FUNCTION ledger_keep_answer();
    ALTER TABLE ledger_requests ENABLE ALWAYS TRIGGER keep_answer;
  END IF;
END
$$;

-- Does what is asked, and completes the key with the answer, in one transaction. No row comes where the key is not this
-- attempt's any more: then nothing is done. The lock makes whoever takes the key over wait for the outcome.
CREATE OR REPLACE FUNCTION ledger_answer(
  request_key text, by_attempt uuid, operation text, subject uuid, asked jsonb
) RETURNS TABLE (status smallint, content text) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  made   uuid;
  is_new boolean := true;
BEGIN
  PERFORM FROM ledger_requests r
    WHERE r.key = request_key AND r.attempt = by_attempt AND r.status IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF operation = 'open' THEN
    INSERT INTO accounts (book, path, asset, name, normal_side, may_go_negative, metadata)
      VALUES (
        coalesce(asked ->> 'book', 'main'), asked ->> 'path', asked ->> 'asset', asked ->> 'name',
        coalesce(asked ->> 'normal_side', 'debit'), coalesce((asked -> 'may_go_negative')::boolean, true),
        coalesce(asked -> 'metadata', '{}'))
      RETURNING id INTO made;
    content := ledger_show_account(made)::text;
  ELSE
    made := CASE operation
      WHEN 'post' THEN post_transfer(
        asked -> 'legs', asked ->> 'external_id', asked ->> 'correlation_id', asked ->> 'description',
        asked -> 'metadata', (asked ->> 'effective_at')::timestamptz)
      WHEN 'hold' THEN hold_transfer(
        asked -> 'legs', asked ->> 'external_id', asked ->> 'correlation_id', asked ->> 'description',
        asked -> 'metadata', (asked ->> 'effective_at')::timestamptz)
      WHEN 'reverse' THEN reverse_transfer(subject, asked ->> 'reason')
      WHEN 'settle' THEN settle_transfer(
        subject, asked -> 'legs', asked ->> 'description', (asked ->> 'effective_at')::timestamptz)
      WHEN 'release' THEN release_transfer(subject, asked ->> 'reason')
    END;
    -- Under an external id it may be an earlier transfer, which this transaction has not written.
    SELECT t.xmin = pg_current_xact_id()::xid INTO STRICT is_new FROM transfers t WHERE t.id = made;
    content := ledger_show_transfer(made)::text;
  END IF;
  status := CASE WHEN is_new THEN 201 ELSE 200 END;
  UPDATE ledger_requests r SET status = status, content = convert_to(content, 'UTF8') WHERE r.key = request_key;
  RETURN NEXT;
END
$$;

CALL ledger_bind_to_schema('ledger_answer(text, uuid, text, uuid, jsonb)');

INSERT INTO ledger_migration (version, name) VALUES (7, 'requests') ON CONFLICT DO NOTHING;
COMMIT;
