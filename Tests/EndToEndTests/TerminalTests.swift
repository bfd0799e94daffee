import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing

/// What an operator sees at a terminal, and what a script gets instead.
@Suite(.heavy) struct TerminalTests {
    private static let escape = "\u{1B}["
    private static let (hide, show) = ("\u{1B}[?25l", "\u{1B}[?25h")

    /// A database with one sink that has delivered five events.
    private func delivered() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        _ = try await RelayProcess.drained(database, .poll)
        return database
    }

    /// What `status` writes to a terminal.
    private func status(_ database: TestDatabase, _ environment: [String: String]) async throws -> String {
        let terminal = try PseudoTerminal()
        let process = try ChildProcess.relay(
            ["status", "--database", database.conninfo], environment: environment, output: terminal.writing)
        #expect(try await process.exit() == .exited(0))
        return terminal.written
    }

    @Test func coloursOnlyWhereTheyAreWanted() async throws {
        let database = try await delivered()
        let coloured = try await status(database, [:])
        #expect(coloured.contains("\u{1B}[1mSINK\u{1B}[0m") && coloured.contains("\u{1B}[31mstopped\u{1B}[0m"))
        for environment in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
            let plain = try await status(database, environment)
            #expect(plain.contains("SINK") && plain.contains("stopped") && !plain.contains(Self.escape), "\(plain)")
        }
        let (_, piped) = try await RelayProcess.command(["status", "--database", database.conninfo])
        let lines = piped.output.strays
        #expect(!lines.joined().contains(Self.escape))
        let row = try #require(lines.first { $0.hasPrefix("stdout ") }, "\(lines)")
        #expect(row.split(separator: " ").map(String.init) == ["stdout", "stopped", "5", "0", "-", "0", "-"])
    }

    @Test func aSinkThatNobodyServesIsNamed() async throws {
        let database = try await PrivateCluster.shared().database()
        _ = try await RelayProcess.command(["sinks", "add", "archive", "--database", database.conninfo])
        try await database.insert(5)
        _ = try await RelayProcess.drained(database, .poll)
        let (_, status) = try await RelayProcess.command(["status", "--database", database.conninfo])
        #expect(
            status.output.strays.contains {
                $0.contains("sink archive") && $0.contains("5 events stay unpublished")
                    && $0.hasSuffix("outbox-relay sinks remove archive")
            }, "\(status.output.strays)")
        #expect(!status.output.strays.contains { $0.contains("remove stdout") })
    }

    @Test func watchDrawsInItsPlaceAndGivesTheCursorBack() async throws {
        let database = try await delivered()
        let terminal = try PseudoTerminal()
        let process = try ChildProcess.relay(
            ["status", "--watch", "--interval", "100ms", "--database", database.conninfo], output: terminal.writing,
            errors: terminal.writing)
        try await eventually("it is drawn three times: \(terminal.written)") {
            terminal.written.components(separatedBy: "SINK").count > 3
        }
        try await database.insert(7)
        try await eventually("the new rows are seen") { terminal.written.contains("unpublished: 7") }
        process.signal(SIGINT)
        #expect(try await process.exit() == .exited(0))
        let written = terminal.written
        #expect(written.hasPrefix(Self.hide) && written.hasSuffix(Self.show), "\(written)")
        #expect(written.components(separatedBy: Self.hide).count == 2, "hidden once")
        // Each drawing begins where the one before did: as many lines up as that had.
        let first = written.components(separatedBy: "\r\u{1B}[").first?.components(separatedBy: "\r\n").count ?? 0
        #expect(written.contains("\r\u{1B}[\(first - 1)A"), "\(written)")
    }

    @Test func watchOnAPipeIsALineEachTimeAndSurvivesAnOutage() async throws {
        let database = try await delivered()
        let watch = try RelayProcess.start(
            ["status", "--watch", "--interval", "100ms", "--json", "--database", database.conninfo])
        try await eventually("there are lines") { watch.output.strays.count > 2 }
        #expect(try await database.sessions(role: "admin") == 1, "one session for all of them")
        try await database.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'outbox-relay admin%'
            """)
        let before = watch.output.strays.count
        try await eventually("it goes on") { watch.output.strays.count > before + 2 }
        #expect(watch.log.entries.count == 1 && watch.log.text.contains("cannot be read"), "\(watch.log.text)")
        #expect(try await watch.stop() == .exited(0))
        for line in watch.output.strays {
            let facts = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(facts["sinks"] is [Any])
        }
    }

    @Test func watchEndsWithItsReader() async throws {
        let database = try await delivered()
        let watch = try RelayProcess.start(
            ["status", "--watch", "--interval", "100ms", "--database", database.conninfo], output: .unread)
        try await eventually("it has a session") { try await database.sessions(role: "admin") == 1 }
        watch.closeOutput()
        #expect(try await watch.exitStatus() == .exited(0), "\(watch.log.text)")
    }

    @Test(arguments: [
        ["status", "--interval", "2s"], ["status", "--watch", "--interval", "often"],
        ["status", "--watch", "--interval", "1ms"],
    ])
    func aWrongIntervalIsRefused(_ arguments: [String]) async throws {
        let (status, command) = try await RelayProcess.command(arguments)
        #expect(status == .exited(64))
        #expect(command.log.text.contains("--interval"), "\(command.log.text)")
    }

    @Test func replayAndVerifyShowHowFarTheyAre() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3000)
        _ = try await RelayProcess.drained(database, .poll)
        let folder = try SinkFolder()
        let path = "\(folder.path)/again.jsonl"
        let clear = "\r\u{1B}[K"
        let replay = try PseudoTerminal()
        let replaying = try ChildProcess.relay(
            ["replay", "--sink", "stdout", "--from", "1", "--into", "file:\(path)", "--database", database.conninfo],
            errors: replay.writing)
        #expect(try await replaying.exit(within: .seconds(60)) == .exited(0), "\(replay.written)")
        let told = replay.written
        #expect(told.hasPrefix(clear) && told.contains(" events  ") && told.contains(" %"), "\(told)")
        // The line is gone, and the result stands alone.
        let last = try #require(told.components(separatedBy: clear).last)
        #expect(last.hasPrefix("outbox-relay: replayed 3000 events of ids 1 to 3000"), "\(told)")

        let verify = try PseudoTerminal()
        let verifying = try ChildProcess.relay(
            ["verify", "--against", path, "--database", database.conninfo], output: verify.writing,
            errors: verify.writing)
        #expect(try await verifying.exit(within: .seconds(60)) == .exited(0), "\(verify.written)")
        let seen = verify.written
        #expect(seen.hasPrefix(clear) && seen.contains("iB of "), "\(seen)")
        #expect(seen.components(separatedBy: clear).last?.hasPrefix("verify: events=3000") == true, "\(seen)")

        // Programs get none of it.
        let quiet = try PseudoTerminal()
        let json = try ChildProcess.relay(
            ["verify", "--against", path, "--json", "--database", database.conninfo], errors: quiet.writing)
        #expect(try await json.exit(within: .seconds(60)) == .exited(0))
        #expect(quiet.written.isEmpty, "\(quiet.written)")
    }

    @Test func aDrainShowsHowFarItIs() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3000)
        let folder = try SinkFolder()
        let clear = "\r\u{1B}[K"
        let terminal = try PseudoTerminal()
        let draining = try ChildProcess.relay(
            ["run", "--until-drained", "--sink", "file:\(folder.path)/a.jsonl", "--database", database.conninfo],
            errors: terminal.writing)
        #expect(try await draining.exit(within: .seconds(60)) == .exited(0), "\(terminal.written)")
        let told = terminal.written
        #expect(told.contains(clear) && told.contains(" events  ") && told.contains(" %"), "\(told)")
        // The log goes on above the line, which is gone at the end.
        let last = try #require(told.split(separator: "\n").last { !$0.allSatisfy(\.isWhitespace) })
        #expect(last.contains("drained: every event is delivered"), "\(told)")
        #expect(try folder.ids("a.jsonl") == Array(1...3000))
    }

    /// What a command prints with `--json`.
    private func facts(_ database: TestDatabase, _ arguments: [String], code: Int32 = 0) async throws -> [String: Any] {
        let (status, command) = try await RelayProcess.command(
            arguments + ["--json", "--database", database.conninfo])
        #expect(status == .exited(code), "\(arguments): \(command.log.text)")
        let text = command.output.strays.joined()
        return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    @Test func whatAScriptWantsIsJSON() async throws {
        let database = try await PrivateCluster.shared().database()
        let migrated = try await facts(database, ["migrate"])
        #expect((migrated["migration"] as? Int).map { $0 > 0 } == true)
        try await database.insert(6)
        let added = try await facts(database, ["sinks", "add", "hook", "--from", "beginning"])
        #expect(added["name"] as? String == "hook" && added["delivered_through"] as? Int == 0)
        let moved = try await facts(database, ["sinks", "move", "hook", "--to", "4"])
        #expect(moved["pass_through"] as? Int == 3 && moved["removing"] as? Bool == false)
        let asked = try await facts(database, ["parked", "add", "--sink", "hook", "--id", "5"])
        #expect(asked["requested"] as? Int == 1 && asked["pending"] as? Int == 1)
        #expect((asked["delivered"] as? [Int])?.isEmpty == true)
        try await database.execute(
            """
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
              reason)
            VALUES ('hook', 1, 't', 'x', 't.made', '{}', '{}', now(), 'no')
            """)
        let discarded = try await facts(database, ["parked", "discard", "--sink", "hook", "--all"])
        #expect(discarded["action"] as? String == "discard" && discarded["requested"] as? Int == 1)
        #expect(discarded["pending"] as? Int == 1 && (discarded["rejected"] as? [Any])?.isEmpty == true)
        let removed = try await facts(database, ["sinks", "remove", "hook"])
        #expect(removed["name"] as? String == "hook" && removed["removed"] as? Bool == true)
        let resumed = try await facts(database, ["resume"])
        #expect(resumed["resumed"] as? Bool == false && resumed["reason"] is NSNull)
    }
}
