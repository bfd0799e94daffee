import Foundation
import RelayTestKit
import Testing

/// Published events are deleted, by the command or by the leader, and nobody misses one.
@Suite(.heavy) struct RetentionTests {
    /// What `purge --json` says.
    private func purge(_ database: TestDatabase, _ more: [String] = []) async throws -> [String: Any] {
        let done = try await RelayTestKit.run(
            ["outbox-relay", "purge", "--older-than", "7d", "--json", "--database", database.conninfo] + more)
        #expect(done.status == .exited(0), "\(done.errors)")
        let facts = try JSONSerialization.jsonObject(with: Data(done.output.utf8)) as? [String: Any]
        return try #require(facts, "\(done.output)")
    }

    /// Whether `verify` finds nothing wrong, and how many events of the file were purged from the table.
    private func purgedOfGood(_ database: TestDatabase, _ path: String, sink: String) async throws -> Int? {
        let done = try await RelayTestKit.run([
            "outbox-relay", "verify", "--against", path, "--sink", sink, "--json", "--database", database.conninfo,
        ])
        #expect(done.status == .exited(0), "\(done.output) \(done.errors)")
        let facts = try JSONSerialization.jsonObject(with: Data(done.output.utf8)) as? [String: Any]
        return facts?["purged"] as? Int
    }

    private func age(_ database: TestDatabase, by interval: String) async throws {
        try await database.execute("UPDATE outbox_published SET published_at = now() - interval '\(interval)'")
    }

    @Test(arguments: Mode.allCases) func whatASinkIsBehindWithIsThereForIt(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let audit = "{name: audit, to: \"file:FOLDER/audit.jsonl\"}"
        try await database.insert(200)
        _ = try await RelayProcess.drained(database, mode, try folder.configuration("sinks: [\(audit)]\n"))
        try await age(database, by: "8 days")
        let (added, command) = try await RelayProcess.command(
            ["sinks", "add", "slow", "--from", "101", "--database", database.conninfo])
        #expect(added == .exited(0), "\(command.log.text)")

        // Beside a relay that cannot reach it.
        let down = try folder.configuration(
            "sinks: [\(audit), {name: slow, to: \"http://127.0.0.1:9/\", retry: {base: 50ms, max: 100ms}}]\n")
        let relay = try await RelayProcess.leading(database, mode, down)
        try await relay.waitForLog("outage") { $0.fields["sink"] == "slow" }
        let counted = try await purge(database, ["--dry-run"])
        #expect(counted["events"] as? Int == 100 && counted["dry_run"] as? Bool == true)
        #expect(try await database.ids() == Array(1...200))
        let facts = try await purge(database)
        #expect(facts["events"] as? Int == 100 && facts["first_id"] as? Int == 1 && facts["last_id"] as? Int == 100)
        #expect(facts["held_by"] as? String == "slow" && facts["held_above"] as? Int == 100)
        #expect(facts["complete"] as? Bool == true)
        try await database.insert(50)
        try await eventually("the other sink has them") { try folder.ids("audit.jsonl").count == 250 }
        #expect(try await database.ids() == Array(101...250))
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")

        let served = try folder.configuration("sinks: [\(audit), {name: slow, to: \"file:FOLDER/slow.jsonl\"}]\n")
        _ = try await RelayProcess.drained(database, mode, served)
        #expect(try folder.ids("slow.jsonl") == Array(101...250))
        #expect(try folder.ids("audit.jsonl") == Array(1...250))
        try await age(database, by: "8 days")
        #expect(try await purge(database)["events"] as? Int == 150)
        #expect(try await database.ids() == [])

        // Nothing of an empty table looks lost, or like a database that went back.
        try await database.insert(10)
        _ = try await RelayProcess.drained(database, mode, served)
        #expect(try folder.ids("audit.jsonl") == Array(1...260))
        #expect(try await purgedOfGood(database, "\(folder.path)/audit.jsonl", sink: "audit") == 250)
        #expect(try await purgedOfGood(database, "\(folder.path)/slow.jsonl", sink: "slow") == 150)
    }

    @Test(arguments: Mode.allCases) func theLeaderPurgesWhatIsNotToBeKept(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let options = try folder.configuration("sinks: [{name: audit, to: \"file:FOLDER/audit.jsonl\"}]\n")
        try await database.insert(3000)
        _ = try await RelayProcess.drained(database, mode, options)
        try await age(database, by: "2 minutes")
        let relay = try await RelayProcess.leading(database, mode, options + ["--keep-published", "1m"])
        try await eventually("the old ones are gone") {
            try await database.number("SELECT count(*) FROM outbox_published") == 0
        }
        try await database.insert(20)
        try await database.becomesSettled()
        #expect(try await database.ids() == Array(3001...3020))
        try await eventually("the session that purged is closed") { try await database.sessions(role: "admin") == 0 }
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
        #expect(relay.log.entries(of: "failed").isEmpty, "\(relay.log.text)")
        _ = try await RelayProcess.drained(database, mode, options)
        #expect(try folder.ids("audit.jsonl") == Array(1...3020))
        #expect(try await purgedOfGood(database, "\(folder.path)/audit.jsonl", sink: "audit") == 3000)
    }

    @Test(arguments: ["7", "seven days", "40000d", "-1d"]) func anAgeThatIsNoneIsRefused(_ age: String) async throws {
        let (status, command) = try await RelayProcess.command(
            ["purge", "--older-than=\(age)", "--database", "host=/nowhere"])
        #expect(status == .exited(64))
        #expect(command.log.text.contains("--older-than: write a duration up to 36500d, such as 12h or 7d"))
    }

    /// A row that cannot go is told of, and what lies above it stays with it.
    @Test func whatCouldNotBePurgedIsToldOf() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        _ = try await RelayProcess.drained(database, .poll)
        try await age(database, by: "8 days")
        let holder = try await database.connection()
        try await holder.execute("BEGIN; SELECT FROM outbox_published WHERE id = 4 FOR UPDATE")
        let done = try await RelayTestKit.run(
            ["outbox-relay", "purge", "--older-than", "7d", "--database", database.conninfo])
        #expect(done.status == .exited(1), "\(done.errors)")
        #expect(done.output.hasPrefix("purged 3 events published before "))
        #expect(done.output.contains("event 4 stays: another transaction has its row locked; later ones stay too"))
        await holder.close()
    }
}
