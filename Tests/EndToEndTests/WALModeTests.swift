import Glibc
import RelayTestKit
import Testing

/// The stream is a fast tail that may go at any time; the relay says why, polls, and comes back to it.
@Suite(.heavy) struct WALModeTests {
    /// Waits for a time at which it polls, and sees that events go on leaving.
    private func expectPolling(
        _ relay: RelayProcess, _ database: TestDatabase, times: Int = 1,
        where condition: (LogEntry) -> Bool = { $0.fields["reason"]?.isEmpty == false }
    ) async throws {
        try await eventually("it polls: \(relay.log.text)") {
            let entries = relay.log.entries(of: "polling")
            return entries.count >= times && entries.contains(where: condition)
        }
        try await relay.waitForEvent(id: try await database.insert(10))
    }

    private func expectStreaming(_ relay: RelayProcess, _ database: TestDatabase, times: Int) async throws {
        try await eventually("it streams for the \(times). time: \(relay.log.text)") {
            relay.log.entries(of: "streaming").count >= times
        }
        try await relay.waitForEvent(id: try await database.insert(10))
    }

    private func expectGoodEnd(_ relay: RelayProcess, _ database: TestDatabase) async throws {
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
        try await eventually("no slot is left") { try await database.slots() == 0 }
    }

    @Test(arguments: [SIGTERM, SIGKILL]) func aStoppedRelayLeavesNoSlot(_ signal: Int32) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .wal)
        let slots = try await database.query(
            """
            SELECT slot_name, temporary, active, plugin FROM pg_replication_slots WHERE database = current_database()
            """)
        #expect(slots.count == 1)
        #expect(slots.first?.first??.hasPrefix("outbox_relay_") == true)
        #expect(slots.first?.dropFirst().map(\.self) == ["t", "t", "pgoutput"])
        relay.signal(signal)
        _ = try await relay.exitStatus()
        try await eventually("no slot is left") { try await database.slots() == 0 }
    }

    @Test func thePublicationIsDropped() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .wal)
        try await database.execute("DROP PUBLICATION outbox_relay")
        let last = try await database.insert(10)
        try await relay.waitForEvent(id: last)
        // It may make it again, and does.
        try await expectStreaming(relay, database, times: 2)
        #expect(try await database.number("SELECT count(*) FROM pg_publication WHERE pubname = 'outbox_relay'") == 1)
        try await expectGoodEnd(relay, database)
    }

    @Test func noSlotIsFree() async throws {
        let cluster = try await PrivateCluster.start(settings: ["max_replication_slots": "1"])
        let database = try await cluster.database()
        try await database.execute("SELECT pg_create_physical_replication_slot('taken')")
        let relay = try RelayProcess.run(database, ["--mode", "wal"])
        try await expectPolling(relay, database)
        try await database.execute("SELECT pg_drop_replication_slot('taken')")
        try await expectStreaming(relay, database, times: 1)
        try await expectGoodEnd(relay, database)
    }

    @Test func theServerHasNoLogicalDecoding() async throws {
        let cluster = try await PrivateCluster.start(settings: ["wal_level": "replica"])
        let database = try await cluster.database()
        let relay = try RelayProcess.run(database, ["--mode", "wal"])
        try await expectPolling(relay, database)
        try await expectGoodEnd(relay, database)
    }

    @Test func theReplicationAttributeIsRevoked() async throws {
        let database = try await PrivateCluster.shared().database()
        let role = "streamer_\(database.name)"
        try await database.execute(
            """
            CREATE ROLE \(role) LOGIN REPLICATION; GRANT USAGE ON SCHEMA public TO \(role);
            GRANT pg_signal_backend, pg_read_all_stats TO \(role);
            GRANT ALL ON ALL TABLES IN SCHEMA public TO \(role); GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO \(role)
            """)
        let relay = try RelayProcess.start(["run", "--mode", "wal", "--database", database.conninfo(user: role)])
        try await expectStreaming(relay, database, times: 1)
        try await database.execute(
            """
            ALTER ROLE \(role) NOREPLICATION;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'outbox-relay stream%'
            """)
        try await expectPolling(relay, database)
        try await database.execute("ALTER ROLE \(role) REPLICATION")
        try await expectStreaming(relay, database, times: 2)
        try await expectGoodEnd(relay, database)
    }

    @Test func columnsChangeWhileItStreams() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .wal)
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.execute("ALTER TABLE outbox ADD COLUMN note text DEFAULT 'n', ADD COLUMN more jsonb")
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.execute("ALTER TABLE outbox DROP COLUMN note")
        try await relay.waitForEvent(id: try await database.insert(10))
        try await expectGoodEnd(relay, database)
        #expect(relay.log.entries(of: "streaming").count == 1, "\(relay.log.text)")
    }

    /// As a restore of a dump leaves it: another table of the same name, its columns in another order.
    @Test func columnsInAnotherOrder() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .wal)
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        try await database.execute(
            """
            ALTER TABLE outbox ADD COLUMN extra int;
            CREATE TABLE reordered (extra int, payload jsonb NOT NULL, published_at timestamptz, headers jsonb NOT NULL,
              id bigint NOT NULL PRIMARY KEY, event_type text NOT NULL, aggregate_id text NOT NULL,
              created_at timestamptz NOT NULL DEFAULT clock_timestamp(), aggregate_type text NOT NULL);
            ALTER TABLE reordered ALTER headers SET DEFAULT '{}',
              ADD CONSTRAINT outbox_aggregate_type_check CHECK (aggregate_type <> ''),
              ADD CONSTRAINT outbox_event_type_check CHECK (event_type <> ''),
              ADD CONSTRAINT outbox_created_at_check CHECK (isfinite(created_at));
            ALTER TABLE outbox DETACH PARTITION outbox_unpublished;
            DROP TABLE outbox_unpublished;
            ALTER TABLE reordered RENAME TO outbox_unpublished;
            ALTER TABLE outbox ATTACH PARTITION outbox_unpublished FOR VALUES IN (true);
            ALTER PUBLICATION outbox_relay ADD TABLE outbox_unpublished
            """)
        for _ in 0..<3 { try await relay.waitForEvent(id: try await database.insert(10)) }
        try await expectGoodEnd(relay, database)
        let texts = relay.output.deliveries.map(\.text)
        #expect(texts.allSatisfy { $0.contains(#""type":"transfer.posted""#) })
        #expect(texts.allSatisfy { $0.contains(#""aggregatetype":"transfer","data":{"n":"#) })
    }

    /// It holds no id, only the slot's WAL.
    @Test func aPreparedTransactionThatNobodyResolves() async throws {
        let cluster = try await PrivateCluster.start(settings: ["max_wal_size": "1GB"])
        let database = try await cluster.database()
        try await database.execute("CREATE TABLE other (t text)")
        let relay = try await RelayProcess.leading(database, .wal, ["--max-slot-wal", "16MiB"])
        try await database.execute("BEGIN; INSERT INTO other VALUES ('x'); PREPARE TRANSACTION 'forgotten'")
        try await database.execute(
            "INSERT INTO other SELECT repeat(md5(n::text), 30) FROM generate_series(1, 60000) n; CHECKPOINT")
        try await expectPolling(relay, database) { $0.text.contains("forgotten") }
        try await eventually("the slot is let go") { try await database.slots() == 0 }
        try await database.execute("COMMIT PREPARED 'forgotten'")
        try await expectStreaming(relay, database, times: 2)
        try await expectGoodEnd(relay, database)
    }

    @Test func aReaderThatDoesNotRead() async throws {
        let rows = isLongSoak ? 1_000_000 : 150_000
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        let relay = try await RelayProcess.leading(database, .wal, output: .unread)
        for _ in 0..<5 { try await database.insert(rows / 5, bytes: 200) }
        try await eventually("the slot retains next to nothing", within: .seconds(60)) {
            try await database.execute("CHECKPOINT")
            return try await database.isTrue(
                """
                SELECT coalesce(bool_and(pg_current_wal_lsn() - restart_lsn < 32 * 1024 * 1024), true)
                FROM pg_replication_slots
                """)
        }
        let peak = try #require(relay.peakMemory)
        #expect(peak < (64 << 20) + RelayProcess.memoryBeside, "\(peak >> 20) MiB")
        #expect(try await database.number("SELECT count(*) FROM outbox_published") < 5000)
        try await relay.kill()
        let next = try await RelayProcess.drained(database, .wal, within: .seconds(180))
        #expect(next.output.ids.last == Int64(rows))
    }
}
