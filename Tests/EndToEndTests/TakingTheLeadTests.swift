import Libpq
import RelayTestKit
import Testing

/// Taking the lead: what it costs, and what is said while it waits.
@Suite(.heavy) struct TakingTheLeadTests {
    /// However many rows are published, and without statistics, none of them is read.
    @Test func readsNoTableFromEndToEnd() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            ALTER TABLE outbox_published SET (autovacuum_enabled = off);
            INSERT INTO outbox_sink (name, delivered_through, earned, start) VALUES ('stdout', 50000, true, NULL);
            INSERT INTO outbox (id, aggregate_type, aggregate_id, event_type, payload, published_at) OVERRIDING SYSTEM VALUE
            SELECT n, 'transfer', 'a', 'transfer.posted', '{}', now() FROM generate_series(1, 50000) AS n;
            SELECT setval('outbox_id_seq', 50000)
            """)
        let scans = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'outbox_published'"
        let before = try await database.number(scans)
        let relay = try await RelayProcess.leading(database, .poll)
        try await relay.waitForEvent(id: try await database.insert())
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await eventually("its sessions have told what they read") {
            try await database.number("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'outbox_published'") > 0
        }
        #expect(try await database.number(scans) == before)
    }

    /// Somebody holds what a new sink's registration must lock: it is named, once, and the relay goes on afterwards.
    @Test func aLockInTheWayOfARegistration() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        let relay = try await database.withConnection { holder in
            try await holder.execute(
                "SET application_name = 'an operator'; BEGIN; LOCK TABLE outbox_sink IN ROW EXCLUSIVE MODE")
            let relay = try RelayProcess.run(database, ["--leader-timeout", "1s"])
            let words = "lock on outbox_sink, held by pid \(holder.info.backendPID) (an operator)"
            try await eventually("it is named: \(relay.log.text)") { relay.log.text.contains(words) }
            let epoch = try await database.number("SELECT epoch FROM outbox_leader")
            try await eventually("it tries again") {
                try await database.number("SELECT epoch FROM outbox_leader") > epoch + 2
            }
            #expect(relay.log.entries(of: "waiting").count <= 3, "\(relay.log.text)")
            try await holder.execute("COMMIT")
            return relay
        }
        try await relay.waitForEvents(3)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    /// A table that somebody has locked altogether: the beat itself waits.
    @Test(arguments: ["outbox_leader", "outbox_sink"]) func aLockInTheWayOfABeat(_ table: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .poll, ["--leader-timeout", "1s"])
        try await relay.waitForEvent(id: try await database.insert(3))
        try await database.becomesSettled()
        try await database.withConnection { holder in
            try await holder.execute(
                """
                SET application_name = 'an operator'; BEGIN;
                LOCK TABLE \(SQLText(name: table)) IN ACCESS EXCLUSIVE MODE
                """)
            let words = "pid \(holder.info.backendPID) (an operator) holds AccessExclusiveLock on \(table)"
            try await eventually("it is named: \(relay.log.text)") { relay.log.text.contains(words) }
            try await holder.execute("COMMIT")
        }
        try await relay.waitForEvent(id: try await database.insert(3))
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }
}
