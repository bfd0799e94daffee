import Foundation
import Libpq
import RelayTestKit
import Testing

/// `verify` over files that were tampered with, on a real server.
@Suite(.heavy) struct VerifyTests {
    /// A file of events as a relay wrote it, and its database.
    private final class Written: Sendable {
        let database: TestDatabase
        let folder: URL

        init(_ database: TestDatabase) throws {
            self.database = database
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("verify-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        var path: String { folder.appendingPathComponent("events.jsonl").path }

        /// The lines, with their ends.
        func lines() throws -> [String] {
            try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { "\($0)\n" }
        }

        func write(_ lines: [String], to path: String? = nil) throws {
            try lines.joined().write(toFile: path ?? self.path, atomically: false, encoding: .utf8)
        }

        /// What `verify --json` says, and the exit code.
        func verify(_ more: [String] = []) async throws -> (facts: [String: Any], status: ProcessEnd) {
            let result = try await RelayTestKit.run(
                ["outbox-relay", "verify", "--against", path, "--database", database.conninfo, "--json"] + more)
            let facts = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
            return (try #require(facts, "\(result.errors)"), result.status)
        }

        /// The counts that are not 0; the exit code must be as they are.
        func counts(_ more: [String] = []) async throws -> [String: Int] {
            let (facts, status) = try await verify(more)
            let failing = [
                "lost", "undelivered", "out_of_order", "duplicates", "other_time", "changed", "unknown", "foreign",
                "torn",
            ]
            let counts = (failing + ["late", "pending", "purged"]).reduce(into: [String: Int]()) { counts, name in
                if let count = facts[name] as? Int, count != 0 { counts[name] = count }
            }
            let isGood = failing.allSatisfy { counts[$0] == nil }
            #expect(facts["ok"] as? Bool == isGood)
            #expect(status == .exited(isGood ? 0 : 1))
            return counts
        }
    }

    /// Twenty events, with a gap that a rollback left, delivered to a file and settled.
    private func written() async throws -> Written {
        let database = try await PrivateCluster.shared().database()
        let written = try Written(database)
        try await database.insert(8)
        try await database.execute("BEGIN; SELECT nextval('outbox_id_seq'); ROLLBACK")
        try await database.insert(12)
        let relay = try RelayProcess.run(database, ["--until-drained"], output: .file(written.path))
        #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
        return written
    }

    @Test func nothingIsWrong() async throws {
        let written = try await written()
        let (facts, status) = try await written.verify()
        #expect(status == .exited(0))
        #expect(facts["ok"] as? Bool == true && facts["exact"] as? Bool == true)
        #expect(facts["events"] as? Int == 20 && facts["lines"] as? Int == 20)
        #expect(facts["first_id"] as? Int == 1 && facts["last_id"] as? Int == 21)
        #expect((facts["files"] as? [String])?.count == 1)
        #expect(try await written.counts(["--sink", "stdout"]).isEmpty)
        #expect(try await written.counts(["--from", "5", "--to", "7"]).isEmpty)
    }

    @Test func eachTampering() async throws {
        let written = try await written()
        let good = try written.lines()
        func tampered(_ change: (inout [String]) -> Void) async throws -> [String: Int] {
            var lines = good
            change(&lines)
            try written.write(lines)
            return try await written.counts()
        }
        #expect(try await tampered { $0.remove(at: 3) } == ["lost": 1])
        #expect(try await tampered { $0.removeFirst(2) } == ["lost": 2])
        #expect(try await tampered { $0.removeLast(2) } == ["undelivered": 2])
        #expect(try await tampered { $0.swapAt(4, 5) } == ["out_of_order": 1])
        #expect(try await tampered { $0.insert($0[2], at: 9) } == ["duplicates": 1])
        #expect(try await tampered { $0[6] = $0[6].replacing("\"n\": ", with: "\"n\": 1") } == ["changed": 1])
        #expect(try await tampered { $0[6] = $0[6].replacing("\"n\": ", with: "\"n\":") } == ["changed": 1])
        #expect(try await tampered { $0.insert("GET / HTTP/1.1\n", at: 7) } == ["foreign": 1])
        #expect(try await tampered { $0[19].removeLast(30) } == ["torn": 1, "undelivered": 1])
        #expect(
            try await tampered { $0[7] = $0[7].replacing("\"time\":\"2", with: "\"time\":\"3") }
                == ["other_time": 1, "lost": 1])
        #expect(
            try await tampered { $0.append($0[7].replacing("\"id\":\"8\"", with: "\"id\":\"800\"")) } == ["unknown": 1])
        // It says where.
        try written.write(good.enumerated().filter { $0.offset != 3 }.map(\.element) + [good[0]])
        let cases = try #require(try await written.verify().facts["cases"] as? [[String: Any]])
        #expect(cases.map { $0["finding"] as? String } == ["duplicates", "lost"])
        #expect(cases.map { $0["id"] as? Int } == [1, 4])
        #expect(cases[0]["file"] as? String == written.path && cases[0]["line"] as? Int == 20)
        #expect(cases[1]["file"] is NSNull)
    }

    /// A row under an id that was passed long ago comes behind what is above it.
    @Test func late() async throws {
        let written = try await written()
        try await written.database.insert(id: 9)
        let relay = try RelayProcess.run(written.database, ["--until-drained"], output: .file(written.path))
        #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
        #expect(try written.lines().last?.contains("\"id\":\"9\"") == true)
        #expect(try await written.counts() == ["late": 1])
        // The same line elsewhere is no disorder either, an ordinary one is.
        var lines = try written.lines()
        lines.swapAt(10, 11)
        try written.write(lines)
        #expect(try await written.counts() == ["late": 1, "out_of_order": 1])
    }

    /// What is not delivered yet, owed or parked is not lost.
    @Test func whatTheSinkWasNotGiven() async throws {
        let written = try await written()
        try await written.database.insert(3)
        #expect(try await written.counts() == ["pending": 3])
        #expect(try await written.counts(["--sink", "stdout"]) == ["pending": 3])
        var lines = try written.lines()
        lines.removeLast(2)
        try written.write(lines)
        #expect(try await written.counts(["--sink", "stdout"]) == ["undelivered": 2, "pending": 3])
        try await written.database.execute(
            """
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
                                       reason)
            SELECT 'stdout', id, aggregate_type, aggregate_id, event_type, payload, headers, created_at, 'test'
            FROM outbox WHERE id = 20;
            INSERT INTO outbox_late (sink, id) VALUES ('stdout', 21)
            """)
        #expect(try await written.counts(["--sink", "stdout"]) == ["pending": 5])
        #expect(try await written.counts() == ["undelivered": 2, "pending": 3])
    }

    /// A file sink of the relay's own, with a date in its path, rotation and a filter.
    @Test func aFilteredSink() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let configuration = try folder.configuration(
            """
            sinks:
              - {name: audit, to: "file:FOLDER/events-%Y.jsonl", rotate: {size: 2KiB}, include: ["transfer.*"]}
            """)
        try await database.insert(10)
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            VALUES ('account', 'a', 'account.opened', '{}')
            """)
        try await database.insert(10)
        let relay = try RelayProcess.run(database, configuration + ["--until-drained"])
        #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
        #expect(try folder.files("events-").count > 2)
        func verify(_ more: [String], code: Int32) async throws -> String {
            let files = folder.path + "/events-%Y.jsonl"
            let result = try await RelayTestKit.run(
                ["outbox-relay", "verify", "--against", files, "--database", database.conninfo] + more)
            #expect(result.status == .exited(code), "\(result.output) \(result.errors)")
            return result.output
        }
        #expect(try await verify(configuration + ["--sink", "audit"], code: 0).contains("events=20 lost=0"))
        #expect(try await verify([], code: 1).contains("lost: event 11"))
    }

    @Test func rotatedFiles() async throws {
        let written = try await written()
        let lines = try written.lines()
        try written.write(Array(lines[..<7]), to: written.path + ".000001")
        try written.write(Array(lines[7..<12]), to: written.path + ".000002")
        try written.write(Array(lines[12...]))
        #expect(try await written.counts().isEmpty)
        let files = try #require(try await written.verify().facts["files"] as? [String])
        #expect(files == [written.path + ".000001", written.path + ".000002", written.path])
        // One that is gone: what it held is lost; only who took it away knows that the files begin later.
        try FileManager.default.removeItem(atPath: written.path + ".000001")
        #expect(try await written.counts() == ["lost": 7])
        #expect(try await written.counts(["--from", "8"]).isEmpty)
        let told = try await RelayTestKit.run(
            ["outbox-relay", "verify", "--against", written.path, "--database", written.database.conninfo])
        #expect(told.output.contains("the files begin with event 8; if that is intended, add --from 8\n"))
        try written.write(Array(lines[..<7]), to: written.path + ".000001")
        try FileManager.default.removeItem(atPath: written.path + ".000002")
        #expect(try await written.counts()["lost"] == 5)
    }

    /// A relay that writes meanwhile: whatever is settled while `verify` looks is in the file, and nothing is lost.
    @Test func besideARunningRelay() async throws {
        let written = try await written()
        let relay = try RelayProcess.run(written.database, [], output: .file(written.path))
        let database = written.database
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for _ in 0..<100 { try await database.insert(20) } }
            for more in [[], ["--sink", "stdout"], ["--from", "1"], []] {
                var counts = try await written.counts(more)
                counts["pending"] = nil
                #expect(counts.isEmpty)
            }
            try await group.waitForAll()
        }
        try await database.becomesSettled()
        try await relay.stop()
        #expect(try await written.counts().isEmpty)
    }

    @Test func refusals() async throws {
        let written = try await written()
        let database = ["--database", written.database.conninfo]
        let calls: [([String], Int32, String)] = [
            (["--against", written.folder.path + "/none"] + database, 64, "none does not exist"),
            (["--against", written.folder.path] + database, 64, "not a regular file"),
            (["--against", written.path, "--from", "x"] + database, 64, "--from"),
            (["--against", written.path, "--from", "3", "--to", "2"] + database, 64, "--to"),
            (["--against", written.path, "--sink", "other"] + database, 64, "sink other is not registered"),
            (database, 64, "--against"),
            (["--against", written.path, "--database", "host=/nowhere connect_timeout=2"], 69, "cannot be reached"),
            (["--against", written.path, "--database", "x=y"], 78, "--database"),
        ]
        for (arguments, code, words) in calls {
            let result = try await RelayTestKit.run(["outbox-relay", "verify"] + arguments)
            #expect(result.status == .exited(code), "\(arguments)")
            #expect(result.errors.contains(words), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        }
    }
}
