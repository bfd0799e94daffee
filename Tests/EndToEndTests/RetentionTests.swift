import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing

/// Published events are deleted, by the command or by the leader, and nobody misses one.
@Suite(.heavy) struct RetentionTests {
    private func run(_ command: [String], _ database: TestDatabase) async throws -> CommandRun {
        let done = try await RelayTestKit.run(["outbox-relay"] + command + ["--database", database.conninfo])
        #expect(done.status == .exited(0), "\(command): \(done.errors)")
        return done
    }

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
        // Whoever asks for what is gone is told.
        let printed = try await run(["tail", "--from", "1", "--limit", "1"], database)
        #expect(printed.output.contains("\"id\":\"101\""))
        #expect(
            printed.errors.contains("the outbox begins with event 101: lower ones were purged"), "\(printed.errors)")
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")

        let served = try folder.configuration("sinks: [\(audit), {name: slow, to: \"file:FOLDER/slow.jsonl\"}]\n")
        _ = try await RelayProcess.drained(database, mode, served)
        #expect(try folder.ids("slow.jsonl") == Array(101...250))
        #expect(try folder.ids("audit.jsonl") == Array(1...250))
        try await age(database, by: "8 days")
        #expect(try await purge(database)["events"] as? Int == 150)
        #expect(try await database.ids() == [])

        let replayed = try await run(
            ["replay", "--sink", "audit", "--from", "1", "--into", "file:\(folder.path)/again.jsonl"] + served, database
        )
        #expect(replayed.errors.contains("the outbox holds no event"), "\(replayed.errors)")

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
        let entry = try await relay.waitForLog("retention")
        #expect(
            entry.level == "info" && entry.fields["count"] == "3000" && entry.fields["last_id"] == "3000", "\(entry)")
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

    // MARK: - In the middle

    /// 5000 old rows, and a purge that stands in the middle of its third page until `body` lets it go.
    private func inTheMiddle(
        _ body: (TestDatabase, RunningCommand, _ letGo: @Sendable () async throws -> Void) async throws -> Void
    ) async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5000)
        try await database.execute(
            """
            UPDATE outbox SET published_at = now() - interval '8 days';
            CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF OLD.id = 2500 THEN PERFORM pg_advisory_xact_lock(24); END IF; RETURN OLD; END $$;
            CREATE TRIGGER wait BEFORE DELETE ON outbox_published FOR EACH ROW EXECUTE FUNCTION wait()
            """)
        let holder = try await database.connection()
        try await holder.execute("SELECT pg_advisory_lock(24)")
        let command = try RunningCommand([
            "outbox-relay", "purge", "--older-than", "7d", "--json", "--database", database.conninfo,
        ])
        try await eventually("the third page waits") {
            try await database.isTrue("SELECT EXISTS (\(Self.waitsForHolder))")
        }
        try await body(database, command) { try await holder.execute("SELECT pg_advisory_unlock(24)") }
        await holder.close()
        return database
    }

    private static let waitsForHolder =
        """
        SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted
        """

    private func facts(_ done: CommandRun) throws -> [String: Any] {
        try #require(
            JSONSerialization.jsonObject(with: Data(done.output.utf8)) as? [String: Any],
            "\(done.output) \(done.errors)")
    }

    /// What lies below is gone, all else is there, and the next one goes on.
    @Test func aPurgeThatIsKilledLeavesWholePages() async throws {
        let database = try await inTheMiddle { database, command, letGo in
            command.signal(SIGKILL)
            let killed = try await command.end()
            #expect(killed.status == .signalled(SIGKILL))
            try await letGo()
            try await eventually("its backend is gone") { try await database.sessions(role: "admin") == 0 }
            let left = try await database.ids()
            #expect(left == Array(2001...5000))
        }
        #expect(try await purge(database)["events"] as? Int == 3000)
        #expect(try await database.ids() == [])
    }

    @Test(arguments: [SIGINT, SIGTERM]) func aSignalEndsItAtTheEndOfABatch(_ signal: Int32) async throws {
        let database = try await inTheMiddle { _, command, letGo in
            command.signal(signal)
            try await letGo()
            let done = try await command.end()
            #expect(done.status == .exited(128 + signal), "\(done.errors)")
            let facts = try facts(done)
            #expect(facts["events"] as? Int == 3000 && facts["last_id"] as? Int == 3000)
            #expect(facts["complete"] as? Bool == false && facts["reason"] as? String == "signal \(signal)")
        }
        #expect(try await database.ids() == Array(3001...5000))
    }

    /// It waits for the page, and the next page sees it.
    @Test func aSinkThatIsAddedMeanwhileHoldsWhatIsLeft() async throws {
        let database = try await inTheMiddle { database, command, letGo in
            let adding = try RunningCommand([
                "outbox-relay", "sinks", "add", "slow", "--from", "beginning", "--database", database.conninfo,
            ])
            try await eventually("it waits") {
                try await database.isTrue(
                    """
                    SELECT EXISTS (SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
                      WHERE d.datname = current_database() AND l.relation = 'outbox_sink'::regclass AND NOT l.granted)
                    """)
            }
            try await letGo()
            let (added, done) = (try await adding.end(), try await command.end())
            #expect(added.status == .exited(0), "\(added.errors)")
            #expect(done.status == .exited(0), "\(done.errors)")
            let facts = try facts(done)
            #expect(facts["held_by"] as? String == "slow", "\(facts)")
            // A page that has waited for too long is undone, and the sink comes first.
            let purged = Int64(try #require(facts["events"] as? Int))
            #expect(purged == 2000 || purged == 3000)
            let left = try await database.ids()
            #expect(left == Array(purged + 1...5000))
        }
        let lowest = try await database.number("SELECT min(id) FROM outbox")
        let moved = try await run(["sinks", "move", "slow", "--to", "1"], database)
        #expect(moved.errors.contains("the outbox begins with event \(lowest)"), "\(moved.errors)")
    }

    @Test func aRoleThatMayNotDeleteIsToldInASentence() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        try await database.execute("UPDATE outbox SET published_at = now() - interval '8 days'")
        let role = "relay_\(database.name)"
        try await database.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA public TO \(role);
            GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO \(role)
            """)
        let done = try await RelayTestKit.run(
            ["outbox-relay", "purge", "--older-than", "7d", "--database", database.conninfo(user: role)])
        #expect(done.status == .exited(77))
        #expect(done.output.isEmpty && done.errors.split(separator: "\n").count == 1, "\(done.errors)")
        #expect(done.errors.contains("GRANT DELETE ON public.outbox_published TO \(role)"), "\(done.errors)")
        #expect(try await database.ids() == [1, 2, 3])
    }

    // MARK: - Refused

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
