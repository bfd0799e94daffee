import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing

/// What would be delivered, looked at without a sink.
@Suite(.heavy) struct TailTests {
    private func tail(
        _ database: TestDatabase, _ arguments: [String] = [], code: Int32 = 0
    ) async throws -> RelayProcess {
        let (status, relay) = try await RelayProcess.command(["tail", "--database", database.conninfo] + arguments)
        #expect(status == .exited(code), "\(relay.log.text)")
        return relay
    }

    private func following(_ database: TestDatabase, _ arguments: [String] = []) throws -> RelayProcess {
        try RelayProcess.start(["tail", "--follow", "--database", database.conninfo] + arguments)
    }

    private func insert(_ database: TestDatabase, types: [String]) async throws {
        for type in types {
            try await database.execute(
                """
                INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload) VALUES ('t', 'a', '\(type)', '{}')
                """)
        }
    }

    @Test func theLinesOfASinkAndNothingTouched() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(20)
        let drained = try await RelayProcess.drained(database, .poll)
        let told = try await tail(database)
        #expect(told.output.count == 0 && told.log.text.contains("every event is published"), "\(told.log.text)")
        // Not published yet, and with a gap.
        try await database.execute("SELECT nextval('outbox_id_seq')")
        try await database.insert(10)
        let tables = ["outbox", "outbox_sink", "outbox_leader", "outbox_late", "outbox_absent", "outbox_parked"]
        func content() async throws -> [[[String?]]] {
            var rows: [[[String?]]] = []
            for table in tables {
                rows.append(try await database.query("SELECT t::text FROM \(table) AS t ORDER BY 1"))
            }
            return rows
        }
        let before = try await content()
        #expect(try await tail(database).output.ids == Array(22...31))
        let all = try await tail(database, ["--from", "1"])
        #expect(all.output.ids == Array(1...20) + Array(22...31))
        #expect(all.output.deliveries.prefix(20).map(\.line) == drained.output.deliveries.map(\.line))
        #expect(all.output.strays.isEmpty && all.log.entries.isEmpty, "\(all.log.text)")
        let elsewhere = try await tail(database, ["--from", "30", "--source", "/elsewhere"])
        #expect(elsewhere.output.deliveries.allSatisfy { $0.text.contains(#""source":"/elsewhere""#) })
        #expect(try await content() == before)
        #expect(try await tail(database, ["--from", "32"]).output.count == 0)
    }

    @Test func onlySomeTypesAndOnlySoMany() async throws {
        let database = try await PrivateCluster.shared().database()
        try await insert(database, types: ["a.made", "b.made", "a.gone", "c.made", "a.made"])
        #expect(try await tail(database, ["--type", "a.*"]).output.ids == [1, 3, 5])
        #expect(try await tail(database, ["--type", "*.gone", "--type", "b.made"]).output.ids == [2, 3])
        #expect(try await tail(database, ["--type", "a.*", "--limit", "2"]).output.ids == [1, 3])
        #expect(try await tail(database, ["--type", "nothing"]).output.count == 0)
        #expect(try await tail(database, ["--follow", "--limit", "5"]).output.ids == [1, 2, 3, 4, 5])
    }

    @Test(arguments: [["--from", "1"], []])
    func oneThatCommitsLateIsShownWhenItTurnsUp(_ from: [String]) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { slow in
            let late: SQLText = """
                INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload) VALUES ('t', 'a', 'e', '{}')
                """
            try await slow.execute("BEGIN; \(late)")
            try await database.insert(3)
            let relay = try following(database, from)
            try await relay.waitForEvent(id: 4)
            #expect(relay.output.ids == [2, 3, 4])
            try await slow.execute("COMMIT")
            try await relay.waitForEvent(id: 1)
            // One that is taken back leaves a gap, which holds up nobody.
            try await slow.execute("BEGIN; \(late); ROLLBACK")
            try await relay.waitForEvent(id: try await database.insert(2))
            #expect(relay.output.ids == [2, 3, 4, 1, 6, 7])
            relay.signal(SIGINT)
            let end = try await relay.exitStatus()
            #expect(end == .exited(0), "\(relay.log.text)")
            // Whoever asks for an id that is not there is told so.
            let told = from.isEmpty ? [] : ["the outbox begins with event 2"]
            #expect(relay.log.entries.count == told.count && told.allSatisfy(relay.log.text.contains))
        }
    }

    /// With no id given and everything published it waits for what is new.
    @Test func followsFromTheEnd() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        _ = try await RelayProcess.drained(database, .poll)
        let relay = try following(database)
        try await eventually("it has a session") { try await database.sessions(role: "admin") == 1 }
        try await eventually("it has looked") {
            try await database.isTrue(
                """
                SELECT bool_and(query LIKE '%pg_locks%' OR query LIKE '%UNION ALL%') FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'outbox-relay admin%'
                """)
        }
        let last = try await database.insert(3)
        try await relay.waitForEvent(id: last)
        #expect(relay.output.ids == [6, 7, 8])
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func aReaderThatLeavesEndsItQuietly() async throws {
        let database = try await PrivateCluster.shared().database()
        // Nothing is printed, so that no write tells it.
        let relay = try RelayProcess.start(["tail", "--follow", "--database", database.conninfo], output: .unread)
        try await eventually("it has a session") { try await database.sessions(role: "admin") == 1 }
        relay.closeOutput()
        #expect(try await relay.exitStatus() == .exited(0))
        #expect(relay.log.entries.isEmpty, "\(relay.log.text)")

        try await database.insert(20_000, bytes: 200)
        let full = try RelayProcess.start(["tail", "--database", database.conninfo], output: .unread)
        try await eventually("it has a session") { try await database.sessions(role: "admin") == 1 }
        full.closeOutput()
        #expect(try await full.exitStatus() == .exited(0))
        #expect(full.log.entries.isEmpty, "\(full.log.text)")
    }

    /// A reader that does not read holds up a signal no more than anything else.
    @Test func aSignalEndsItWhileNobodyReads() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(20_000, bytes: 200)
        let relay = try RelayProcess.start(["tail", "--database", database.conninfo], output: .unread)
        try await eventually("the pipe is full") {
            let counts = try String(contentsOfFile: "/proc/\(relay.pid)/io", encoding: .utf8)
            let line = counts.split(separator: "\n").first { $0.hasPrefix("wchar: ") }
            return line.flatMap { Int($0.dropFirst("wchar: ".count)) } ?? 0 >= 60_000
        }
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func aLostSessionIsOpenedAgain() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(2)
        let relay = try following(database)
        try await relay.waitForEvents(2)
        try await database.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'outbox-relay admin%'
            """)
        try await relay.waitForEvent(id: try await database.insert(2))
        #expect(relay.output.ids == [1, 2, 3, 4])
        #expect(relay.log.entries.count == 1 && relay.log.text.contains("cannot be read"), "\(relay.log.text)")
        #expect(try await relay.stop() == .exited(0))
    }

    /// It is named; a look goes on behind it, and a replay, which may leave nothing out, ends there and says so.
    @Test func aRowThatCannotBeRead() async throws {
        let database = try await PrivateCluster.shared().database(encoding: "SQL_ASCII")
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 'transfer', CASE n WHEN 50 THEN chr(252) ELSE 'a' END, 'transfer.posted', '{}'
            FROM generate_series(1, 100) n
            """)
        let relay = try await tail(database)
        #expect(relay.output.ids == Array(1...49) + Array(51...100))
        #expect(relay.log.entries.count == 1 && relay.log.text.contains("event 50 cannot be read"), "\(relay.log.text)")

        let (status, replay) = try await RelayProcess.command(
            ["replay", "--database", database.conninfo, "--sink", "stdout", "--from", "1"])
        #expect(status == .exited(1), "\(replay.log.text)")
        #expect(replay.output.ids == Array(1...49))
        #expect(replay.log.text.contains("event 50 cannot be read"), "\(replay.log.text)")
        #expect(replay.log.text.contains("continue with --from 50"), "\(replay.log.text)")
    }

    @Test(arguments: [
        (["--limit", "0"], "--limit"), (["--type", ""], "--type"), (["--from", "-9223372036854775808"], "--from"),
        (["--from", "first"], "'first'"),
    ])
    func refused(_ arguments: [String], _ part: String) async throws {
        let (status, relay) = try await RelayProcess.command(["tail"] + arguments)
        #expect(status == .exited(64))
        #expect(relay.log.text.contains(part), "\(relay.log.text)")
        #expect(relay.log.entries.count == 1, "\(relay.log.text)")
    }
}
