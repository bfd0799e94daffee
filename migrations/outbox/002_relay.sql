-- What the relay itself keeps: who leads, how far each sink is, and what is owed out of turn.
-- Safe to run again, and from two places at once.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('outbox-relay migrations', 0));

-- Every write of an administrator to a sink starts a new generation of it; answers to an older one count for nothing.
CREATE SEQUENCE IF NOT EXISTS outbox_sink_generation_seq AS bigint;

-- A registered sink. `delivered_through` is its cursor: the id of a committed row at or below which everything
-- was delivered to it, passed for it, lies in outbox_absent or stands in outbox_late.
CREATE TABLE IF NOT EXISTS outbox_sink (
  name              text        PRIMARY KEY CHECK (name <> ''),
  delivered_through bigint      NOT NULL DEFAULT 0,
  earned            boolean     NOT NULL DEFAULT false,  -- the cursor was reached by delivery, not set
  generation        bigint      NOT NULL DEFAULT nextval('outbox_sink_generation_seq'),
  start             text        DEFAULT 'oldest' CHECK (start IN ('oldest', 'latest')),  -- not fixed yet; NULL once it is
  pass_through      bigint,                              -- rows up to here are passed without being delivered
  removing          boolean     NOT NULL DEFAULT false,  -- passes everything, and goes once it is level with the highest
  registered_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What a sink last reported: for `status`, written on change, apart from the cursors so that neither waits for the other.
CREATE TABLE IF NOT EXISTS outbox_sink_state (
  sink       text        PRIMARY KEY,
  configured boolean     NOT NULL DEFAULT true,
  state      text        NOT NULL DEFAULT 'stopped' CHECK (state IN ('live', 'catching-up', 'retrying', 'blocked', 'stopped')),
  last_error text,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Ids that some cursors have passed as absent and others have not: where a row turns up there, it is late.
CREATE TABLE IF NOT EXISTS outbox_absent (
  first_id bigint PRIMARY KEY,
  last_id  bigint NOT NULL CHECK (last_id >= first_id)
);

-- Rows that turned up at or below a sink's cursor, owed to that sink out of turn. `delivered`: the sink has it,
-- but the row could not move yet.
CREATE TABLE IF NOT EXISTS outbox_late (
  sink       text        NOT NULL,
  id         bigint      NOT NULL,
  delivered  boolean     NOT NULL DEFAULT false,
  noticed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (sink, id)
);
CREATE INDEX IF NOT EXISTS outbox_late_id ON outbox_late (id);

-- Events that a sink will never accept, and those of the same key behind them; each with a copy of its own,
-- which a purge of the outbox cannot take.
CREATE TABLE IF NOT EXISTS outbox_parked (
  sink           text        NOT NULL,
  id             bigint      NOT NULL,
  aggregate_type text        NOT NULL,
  aggregate_id   text        NOT NULL,
  event_type     text        NOT NULL,
  payload        jsonb       NOT NULL,
  headers        jsonb       NOT NULL,
  created_at     timestamptz NOT NULL,
  reason         text        NOT NULL,
  behind         bigint,                                 -- parked only because this id of the same key is
  attempts       integer     NOT NULL DEFAULT 1,
  parked_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  requested      text        CHECK (requested IN ('retry', 'discard')),
  requested_at   timestamptz,
  PRIMARY KEY (sink, id)
);

-- The one leader, and why nobody may lead.
CREATE TABLE IF NOT EXISTS outbox_leader (
  singleton        boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
  epoch            bigint      NOT NULL DEFAULT 0,
  host             text,
  since            timestamptz,
  postmaster_start timestamptz,
  timeline         bigint,
  stopped_reason   text,                                 -- the database went back: deliver nothing until `resume`
  stopped_at       timestamptz,
  mode             text,
  streaming        boolean     NOT NULL DEFAULT false,
  order_hold       jsonb                                 -- {"pid"|"gid","application_name","since","above_id"}
);
INSERT INTO outbox_leader DEFAULT VALUES ON CONFLICT DO NOTHING;

-- The leader's sessions, each recorded before its first use, so that a successor can end them.
CREATE TABLE IF NOT EXISTS outbox_leader_session (
  pid           integer     NOT NULL,
  backend_start timestamptz NOT NULL,
  epoch         bigint      NOT NULL,
  role          text        NOT NULL,
  PRIMARY KEY (pid, backend_start)
);

INSERT INTO outbox_migration (version, name) VALUES (2, 'relay') ON CONFLICT DO NOTHING;
COMMIT;
