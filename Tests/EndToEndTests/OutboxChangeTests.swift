import Libpq
import RelayTestKit
import Testing

/// The outbox is changed under a running relay: it says what changed and delivers nothing by what it knew, and goes on by
/// itself once there is an outbox again.
@Suite(.heavy) struct OutboxChangeTests {
    /// A table of an older life keeps the usual name of the sequence: its proof of order would be of another one.
    @Test(arguments: Mode.allCases) func aTableWhoseNameAnOlderOneHad(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            ALTER TABLE outbox RENAME TO outbox_old; ALTER TABLE outbox_unpublished RENAME TO outbox_old_unpublished;
            ALTER TABLE outbox_published RENAME TO outbox_old_published; DROP PUBLICATION outbox_relay
            """)
        try await database.migrate()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert())
        try await database.withConnection { slow in
            try await slow.execute(
                """
                BEGIN; INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
                VALUES ('transfer', 'a', 'transfer.posted', '{}')
                """)
            try await database.insert()
            try await relay.waitForLog("order_hold")
            #expect(relay.output.ids == [1], "what is above an open id waits: \(relay.log.text)")
            try await slow.execute("COMMIT")
        }
        try await relay.waitForEvents(3)
        try await database.becomesSettled()
        try await relay.stop()
        try await expectComplete(database, [relay])
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var harm: String
        var remedy: String
        var says: String

        var testDescription: String { harm }
    }

    static let changes = [
        Change(
            harm: "ALTER TABLE outbox RENAME TO outbox_old", remedy: "ALTER TABLE outbox_old RENAME TO outbox",
            says: "public.outbox is gone"),
        Change(
            harm: "ALTER TABLE outbox DETACH PARTITION outbox_published",
            remedy: "ALTER TABLE outbox ATTACH PARTITION outbox_published FOR VALUES IN (false)",
            says: "public.outbox_published is no longer the published partition"),
        Change(
            harm: "ALTER SEQUENCE outbox_id_seq RENAME TO ids", remedy: "SELECT",
            says: "renamed from public.outbox_id_seq to public.ids"),
        Change(
            harm: "CREATE TABLE early.outbox (id bigint)", remedy: "DROP TABLE early.outbox",
            says: "now finds early.outbox"),
        Change(
            harm: "INSERT INTO outbox_migration (version, name) VALUES (1000, 'of the future')",
            remedy: "DELETE FROM outbox_migration WHERE version = 1000", says: "has migration 1000"),
    ]

    @Test(arguments: Mode.allCases, changes) func underARunningRelay(_ mode: Mode, _ change: Change) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            "CREATE SCHEMA early; ALTER DATABASE \(database.name) SET search_path = early, public")
        let relay = try await RelayProcess.leading(database, mode)
        let standby = try RelayProcess.run(database, ["--mode", mode.rawValue])
        try await standby.waitForLog("standby")
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        try await database.execute(change.harm)
        for one in [relay, standby] {
            try await eventually("it says what changed: \(one.log.text)") { one.log.text.contains(change.says) }
        }
        #expect(relay.isRunning && standby.isRunning)
        try await database.execute(change.remedy)
        try await database.insert(5)
        try await eventually("one of them goes on: \(relay.log.text)") {
            relay.output.count + standby.output.count == 10
        }
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        #expect(try await standby.stop() == .exited(0))
        try await expectComplete(database, [relay, standby])
    }

    /// While migrations are newer than the relay knows nothing is delivered; a relay that starts then refuses.
    @Test(arguments: Mode.allCases) func newerMigrations(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        try await database.execute("INSERT INTO outbox_migration (version, name) VALUES (1000, 'of the future')")
        try await relay.waitForLog("deposed")
        try await database.insert(5)
        try await stays("nothing is delivered", for: .milliseconds(800)) { relay.output.count == 5 }
        let (status, _) = try await RelayProcess.command(["run", "--database", database.conninfo])
        #expect(status == .exited(78))
        #expect(relay.isRunning)
        try await relay.stop()
    }
}
