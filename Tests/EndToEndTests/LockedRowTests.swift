import Glibc
import Libpq
import RelayTestKit
import Testing

/// A row that an operator holds is waited for, never stepped over, never delivered twice.
@Suite(.heavy) struct LockedRowTests {
    @Test func inTheBacklogItHoldsTheOrder() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        try await database.withConnection { holder in
            try await holder.execute("BEGIN; SELECT FROM outbox WHERE id = 5 FOR UPDATE")
            let relay = try RelayProcess.run(database, ["--mode", "poll"])
            try await relay.waitForEvents(4)
            try await eventually("the holder is named: \(relay.log.text)") {
                relay.log.entries.contains { $0.fields["pid"] == "\(holder.info.backendPID)" }
            }
            try await database.insert(5)
            try await stays("nothing above leaves: \(relay.output.ids)", for: .milliseconds(700)) {
                relay.output.ids == [1, 2, 3, 4]
            }
            try await holder.execute("ROLLBACK")
            try await relay.waitForEvents(15)
            try await database.becomesSettled()
            #expect(try await relay.stop() == .exited(0))
            try await expectComplete(database, [relay])
        }
    }

    /// An insert of the same id, which waits for the first one's commit and then holds the row: the lock is taken at
    /// the moment at which the stream brings the row.
    @Test func inTheStreamItHoldsSettling() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .wal, ["--window", "20"])
        try await database.withConnection { producer in
            try await database.withConnection { holder in
                try await producer.execute(
                    """
                    BEGIN; INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
                    VALUES ('t', 'a', 't.x', '{}')
                    """)
                try await holder.execute("BEGIN")
                async let locked = holder.execute(
                    """
                    INSERT INTO outbox_unpublished (id, aggregate_type, aggregate_id, event_type, payload)
                    OVERRIDING SYSTEM VALUE VALUES (1, 't', 'a', 't.x', '{}')
                    ON CONFLICT (id) DO UPDATE SET headers = '{}' WHERE false
                    """)
                try await eventually("the operator waits") {
                    try await database.isTrue(
                        "SELECT cardinality(pg_blocking_pids(\(holder.info.backendPID))) > 0")
                }
                // Frozen for the moment between the commit and the lock, so that it cannot settle first.
                relay.signal(SIGSTOP)
                try await producer.execute("COMMIT")
                _ = try await locked
                relay.signal(SIGCONT)
                try await database.insert(50)
                try await relay.waitForEvents(2)
                try await eventually("the holder is named: \(relay.log.text)") {
                    relay.log.entries.contains { $0.fields["pid"] == "\(holder.info.backendPID)" }
                }
                try await stays("no more than the window leaves", for: .milliseconds(700)) { relay.output.count <= 20 }
                #expect(try await database.number("SELECT count(*) FROM outbox_published") == 0)
                try await holder.execute("ROLLBACK")
                try await relay.waitForEvents(51)
                try await database.becomesSettled()
                #expect(try await relay.stop() == .exited(0))
                try await expectComplete(database, [relay])
            }
        }
    }

    /// It is delivered, and its entry says so; but it is not settled.
    @Test func aDeliveredRowKeepsUntilDrainedWaiting() async throws {
        let database = try await PrivateCluster.shared().database()
        let late = try await database.number("SELECT nextval('outbox_id_seq')")
        try await database.insert(5)
        let first = try await RelayProcess.drained(database, .poll)
        try await database.insert(id: late)
        try await database.withConnection { holder in
            try await holder.execute("BEGIN; SELECT FROM outbox WHERE id = \(Int(late)) FOR UPDATE")
            let relays = [
                try RelayProcess.run(database, ["--until-drained"]),
                // The same for one that finds the entry.
                try RelayProcess.run(database, ["--until-drained"]),
            ]
            try await eventually("it is delivered and kept") {
                try await database.isTrue("SELECT delivered FROM outbox_late WHERE id = \(late)")
            }
            try await stays("both wait", for: .milliseconds(1500)) { relays.allSatisfy(\.isRunning) }
            let leader = try #require(relays.first { !$0.log.entries(of: "leading").isEmpty })
            try await leader.kill()
            let other = try #require(relays.first { $0.pid != leader.pid })
            try await other.waitForLog("leading")
            try await stays("it waits", for: .milliseconds(1500)) { other.isRunning }
            try await holder.execute("COMMIT")
            #expect(try await other.exitStatus() == .exited(0), "\(other.log.text)")
            #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 0)
            try await expectComplete(database, [first] + relays, late: [late])
        }
    }
}
