import Foundation
import Libpq
import RelayTestKit
import Testing

/// A stretch of events once more, beside the live lane.
@Suite(.heavy) struct ReplayTests {
    private func replay(
        _ database: TestDatabase, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: ProcessEnd, relay: RelayProcess) {
        try await RelayProcess.command(
            ["replay", "--database", database.conninfo] + arguments, environment: environment)
    }

    /// The last line of the standard error, as JSON.
    private func report(_ relay: RelayProcess) throws -> [String: Any] {
        let last = try #require(relay.log.entries.last)
        return try #require(JSONSerialization.jsonObject(with: Data(last.text.utf8)) as? [String: Any])
    }

    @Test func bothEndsFromBothLeavesInOrder() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(300)
        let drained = try await RelayProcess.drained(database, .poll)
        // Not published yet, and with a gap.
        try await database.execute("SELECT nextval('outbox_id_seq')")
        try await database.insert(200)
        let cursor = "SELECT delivered_through, generation FROM outbox_sink"
        let before = try await database.query(cursor)

        let (status, relay) = try await replay(
            database, ["--sink", "stdout", "--from", "100", "--to", "400", "--json"])
        #expect(status == .exited(0), "\(relay.log.text)")
        #expect(relay.output.ids == Array(100...300) + Array(302...400))
        // As the relay sends them, byte for byte.
        let live = drained.output.deliveries.first { $0.id == 100 }
        #expect(relay.output.deliveries.first?.text == live?.text)
        let report = try report(relay)
        #expect(report["complete"] as? Bool == true && report["events"] as? Int == 300)
        #expect(report["from"] as? Int == 100 && report["to"] as? Int == 400 && report["next"] is NSNull)
        #expect(try await database.query(cursor) == before)

        // Without --to: as far as it is committed.
        let rest = try await replay(database, ["--sink", "stdout", "--from", "499"])
        #expect(rest.relay.output.ids == [499, 500, 501])
        #expect(rest.relay.log.text.contains("replayed 3 events of ids 499 to 501 to sink stdout"))
        let none = try await replay(database, ["--sink", "stdout", "--from", "502"])
        #expect(none.status == .exited(0) && none.relay.output.count == 0)
    }

    @Test func besideALiveRelay() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .wal)
        try await relay.waitForEvent(id: try await database.insert(500))
        async let again = replay(database, ["--sink", "stdout", "--from", "1"])
        for _ in 0..<5 { try await relay.waitForEvent(id: try await database.insert(10)) }
        let replayed = try await again
        #expect(replayed.status == .exited(0), "\(replayed.relay.log.text)")
        #expect(Array(replayed.relay.output.ids.prefix(500)) == Array(1...500))
        #expect(replayed.relay.output.ids == replayed.relay.output.ids.sorted())
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    @Test func anOpenTransactionNeitherHoldsItNorIsDelivered() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { slow in
            try await slow.execute(
                """
                BEGIN; INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload) VALUES ('t', 'a', 'e', '{}')
                """)
            try await database.insert(5)
            let (status, relay) = try await replay(database, ["--sink", "stdout", "--from", "1"])
            #expect(status == .exited(0))
            #expect(relay.output.ids == Array(2...6))
            try await slow.execute("ROLLBACK")
        }
    }

    @Test func aSignalEndsItAndTellsWhereItStood() async throws {
        let database = try await PrivateCluster.shared().database()
        let last = try await database.insert(20_000, bytes: 200)
        let arguments = ["replay", "--database", database.conninfo, "--sink", "stdout", "--from", "1", "--json"]
        // Nobody reads, so that it stands still in the middle of a delivery. What it wrote of that it tells within the timeout,
        // or nothing at all where it is too slow.
        let relay = try RelayProcess.start(
            arguments, environment: ["OUTBOX_RELAY_SHUTDOWN_TIMEOUT": "1s"], output: .unread)
        try await eventually("it has filled the pipe") { try Self.bytesWritten(by: relay) >= 60_000 }
        try await eventually("no transaction is open") {
            try await database.isTrue(
                """
                SELECT bool_and(state = 'idle') FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'outbox-relay admin%'
                """)
        }
        #expect(try await relay.stop() == .exited(128 + SIGTERM))
        let told = try report(relay)
        #expect(told["complete"] as? Bool == false)
        #expect((told["reason"] as? String)?.contains("signal 15") == true)
        let next = try #require(told["next"] as? Int)
        #expect(next > 1 && next < last)
        let rest = try await replay(database, ["--sink", "stdout", "--from", "\(next)"])
        #expect(rest.relay.output.ids == Array(Int64(next)...last))
    }

    /// Bytes that a process has written to anything, as proc(5) counts them.
    private static func bytesWritten(by relay: RelayProcess) throws -> Int {
        let counts = try String(contentsOfFile: "/proc/\(relay.pid)/io", encoding: .utf8)
        let line = counts.split(separator: "\n").first { $0.hasPrefix("wchar: ") }
        return line.flatMap { Int($0.dropFirst("wchar: ".count)) } ?? 0
    }

    @Test func aReaderThatLeavesIsTold() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(20_000, bytes: 200)
        let relay = try RelayProcess.start(
            ["replay", "--database", database.conninfo, "--sink", "stdout", "--from", "1"], output: .unread)
        try await eventually("it has a session") { try await database.sessions(role: "admin") == 1 }
        relay.closeOutput()
        #expect(try await relay.exitStatus() == .exited(74))
        #expect(relay.log.text.contains("continue with --from"), "\(relay.log.text)")
    }

    @Test func aLostSessionIsOpenedAgain() async throws {
        let database = try await PrivateCluster.shared().database()
        let last = try await database.insert(30_000, bytes: 200)
        let relay = try RelayProcess.start(
            ["replay", "--database", database.conninfo, "--sink", "stdout", "--from", "1"],
            environment: ["OUTBOX_RELAY_BATCH_SIZE": "100"])
        try await relay.waitForEvents(1000)
        for _ in 0..<3 {
            try await database.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'outbox-relay admin%'
                """)
        }
        #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
        #expect(relay.output.ids == Array(1...last))
    }

    @Test(arguments: [
        (["--sink", "nobody", "--from", "1"], "no sink 'nobody' is configured"),
        (["--sink", "archive", "--from", "1"], "name a new file with --into file:PATH"),
        (["--sink", "stdout", "--from", "1", "--into", "file:FOLDER/./live.jsonl"], "sink archive writes to"),
        (["--sink", "archive", "--from", "1", "--into", "file:FOLDER/there.jsonl"], "already exists"),
        (["--sink", "stdout", "--from", "9", "--to", "8"], "--to: 8 is below --from 9"),
        (["--sink", "stdout", "--from", "-9223372036854775808"], "out of range"),
        (["--sink", "stdout", "--from", "first"], "'first'"), (["--sink", "stdout"], "--from"),
    ])
    func refused(_ arguments: [String], _ part: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("replay-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data().write(to: folder.appendingPathComponent("there.jsonl"))
        let database = try await PrivateCluster.shared().database()
        let (status, relay) = try await replay(
            database, arguments.map { $0.replacing("FOLDER", with: folder.path) },
            environment: ["OUTBOX_RELAY_SINK": "stdout archive=file:\(folder.path)/live.jsonl"])
        #expect(status == .exited(64))
        #expect(relay.log.text.contains(part), "\(relay.log.text)")
        #expect(relay.log.entries.count == 1, "\(relay.log.text)")
    }
}
