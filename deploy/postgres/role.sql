-- The relay's least-privilege roles, for the database that psql is connected to:
--
--   psql -f role.sql DATABASE        after `outbox-relay migrate`, as a superuser
--
-- outbox_relay_poll may read the outbox, mark its rows as published and keep the relay's own tables; nothing else of
-- the database. outbox_relay_wal may stream besides, which needs REPLICATION: an attribute that by its nature lets a
-- login read more than its grants, so narrow it in pg_hba.conf. A relay and its standbys use the same role, since each
-- ends the sessions that the one before it left behind.
--
-- The tables are those that the search path finds (`PGOPTIONS='-c search_path=…'` chooses). Other names for the roles:
-- psql -v poll_role=… -v wal_role=… . A role that is to purge as well (`outbox-relay purge`, `keep_published`) may delete
-- what was published: psql -v may_purge=yes . Neither has a password yet. Safe to run again.
\set ON_ERROR_STOP on
\if :{?poll_role} \else \set poll_role outbox_relay_poll \endif
\if :{?wal_role}  \else \set wal_role outbox_relay_wal \endif

BEGIN;
SET LOCAL client_min_messages = warning;
-- One at a time: grants on the same object do not pass each other.
SELECT pg_advisory_xact_lock(hashtextextended('outbox-relay migrations', 0)) \g /dev/null

SELECT format('CREATE ROLE %I LOGIN', :'poll_role')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'poll_role') \gexec
SELECT format('CREATE ROLE %I LOGIN REPLICATION', :'wal_role')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'wal_role') \gexec
SELECT format('ALTER ROLE %I REPLICATION', :'wal_role')
  WHERE NOT (SELECT rolreplication FROM pg_roles WHERE rolname = :'wal_role') \gexec

-- The schema that the search path gives, by the table's own word.
SELECT n.nspname AS schema, current_database() AS database
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = 'outbox'::regclass \gset
GRANT CONNECT ON DATABASE :"database" TO :"poll_role", :"wal_role";
GRANT USAGE ON SCHEMA :"schema" TO :"poll_role", :"wal_role";

-- Names the session that holds order back, and since when.
GRANT pg_read_all_stats TO :"poll_role", :"wal_role";

-- Events: read, lock and mark. No payload can be changed, no row inserted or deleted.
GRANT SELECT, UPDATE (published_at) ON outbox, outbox_unpublished, outbox_published TO :"poll_role", :"wal_role";
\if :{?may_purge}
GRANT DELETE ON outbox_published TO :"poll_role", :"wal_role";
\endif
SELECT pg_get_serial_sequence('outbox', 'id') AS ids \gset
GRANT SELECT ON SEQUENCE :ids TO :"poll_role", :"wal_role";

-- The relay's own tables.
GRANT SELECT ON outbox_migration TO :"poll_role", :"wal_role";
GRANT SELECT, UPDATE ON outbox_leader TO :"poll_role", :"wal_role";
GRANT SELECT, INSERT, UPDATE, DELETE
  ON outbox_leader_session, outbox_sink, outbox_sink_state, outbox_absent, outbox_late, outbox_parked,
    outbox_parked_request
  TO :"poll_role", :"wal_role";
GRANT USAGE ON SEQUENCE outbox_sink_generation_seq TO :"poll_role", :"wal_role";
COMMIT;
