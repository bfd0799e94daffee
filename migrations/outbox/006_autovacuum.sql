-- How the two leaves are vacuumed. PostgreSQL's defaults wait for a fifth of a table to change, which suits neither a leaf
-- that is emptied as fast as it fills nor one that is only ever added to and purged from below.
-- Safe to run again, and from two places at once. What somebody has set by hand stays as it is.
--
-- Not set: `fillfactor`. Rows are not updated in their place: to publish one is to move it to the other leaf, so that free
-- room in a page would serve nobody. TOAST tables follow their leaves.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('outbox-relay migrations', 0));

DO $$
DECLARE
  setting record;
BEGIN
  FOR setting IN
    SELECT c.oid::regclass AS leaf, s.name, s.value
    FROM (VALUES
      -- The leaf that churns (001 sets when: each 10,000 dead rows, each 100,000 new ones). Every claim, every read of the
      -- tail and every sweep begins at its lowest ids, where the dead entries of its index are. It is small as a rule, and
      -- after an outage it is not: then a vacuum that pauses for 2 ms after each few pages takes hours, while everything
      -- walks over what it has not come to yet. So it does not pause.
      ('FOR VALUES IN (true)', 'autovacuum_vacuum_cost_delay', '0'),
      -- What is published only grows, by millions of rows a day: a fifth of it may never be dead at once. A purge removes
      -- its lowest rows, a thousand at a time, and whatever reads the leaf from below (the next purge, verify, replay)
      -- walks over their index entries until a vacuum has come by.
      ('FOR VALUES IN (false)', 'autovacuum_vacuum_scale_factor', '0'),
      ('FOR VALUES IN (false)', 'autovacuum_vacuum_threshold', '100000'),
      -- New pages are looked at once for each million rows, a fraction each time, and not a fifth of the whole in one go:
      -- so that an audit reads ids from the index alone, and no vacuum against wraparound has years to catch up with.
      ('FOR VALUES IN (false)', 'autovacuum_vacuum_insert_scale_factor', '0'),
      ('FOR VALUES IN (false)', 'autovacuum_vacuum_insert_threshold', '1000000')
    ) AS s (bound, name, value)
    JOIN pg_inherits AS i ON i.inhparent = 'outbox'::regclass
    JOIN pg_class AS c ON c.oid = i.inhrelid AND pg_get_expr(c.relpartbound, c.oid) = s.bound
    WHERE NOT EXISTS (SELECT FROM unnest(c.reloptions) AS o WHERE split_part(o, '=', 1) = s.name)
  LOOP
    EXECUTE format('ALTER TABLE %s SET (%s = %s)', setting.leaf, setting.name, setting.value);
  END LOOP;
END
$$;

INSERT INTO outbox_migration (version, name) VALUES (6, 'autovacuum') ON CONFLICT DO NOTHING;
COMMIT;
