import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing

/// The plain work: a backlog, new rows, the end.
@Suite(.heavy) struct DrainTests {
    @Test(arguments: Mode.allCases) func backlogAndNewRows(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(2500)
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvents(2500)
        let last = try await database.insert(700)
        try await relay.waitForEvent(id: last)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    @Test(arguments: Mode.allCases) func untilDrained(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let empty = try await RelayProcess.drained(database, mode)
        #expect(empty.output.count == 0)
        try await database.insert(1500)
        let relay = try await RelayProcess.drained(database, mode)
        try await expectComplete(database, [relay])
        #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 0)
        #expect(try await RelayProcess.drained(database, mode).output.count == 0)
    }

    @Test(arguments: Mode.allCases) func anOpenTransactionKeepsItOnlyWhereItHoldsAnEventBack(_ mode: Mode) async throws
    {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        try await database.withConnection { open in
            try await open.execute("BEGIN; SELECT nextval('outbox_id_seq')")
            _ = try await RelayProcess.drained(database, mode)
            let held = try await database.insert(2)
            let relay = try RelayProcess.run(database, ["--mode", mode.rawValue, "--until-drained"])
            let hold = try await relay.waitForLog("order_hold")
            #expect(hold.fields["pid"] == "\(open.info.backendPID)", "\(hold)")
            try await stays("it waits and delivers nothing", for: .milliseconds(500)) {
                relay.isRunning && relay.output.count == 0
            }
            try await open.execute("COMMIT")
            #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
            #expect(relay.output.ids == [held - 1, held])
        }
    }

    @Test(arguments: Mode.allCases) func aSignalInABacklogSettlesWhatWasDelivered(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(60_000)
        let relay = try RelayProcess.run(database, ["--mode", mode.rawValue])
        try await relay.waitForEvents(3000)
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
        let delivered = relay.output.count
        #expect(try await database.number("SELECT count(*) FROM outbox_published") == Int64(delivered))
        let next = try await RelayProcess.drained(database, mode)
        try await expectComplete(database, [relay, next])
    }

    @Test func aSignalBeforeItIsDrained() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { open in
            try await open.execute("BEGIN; SELECT nextval('outbox_id_seq')")
            try await database.insert()
            let relay = try RelayProcess.run(database, ["--until-drained"])
            try await relay.waitForLog("order_hold")
            #expect(try await relay.stop() == .exited(128 + SIGTERM))
        }
    }

    @Test(arguments: Mode.allCases) func aReaderThatGoesAway(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(20_000)
        let relay = try RelayProcess.run(database, ["--mode", mode.rawValue, "--until-drained"], output: .unread)
        try await relay.waitForLog("resuming")
        relay.closeOutput()
        #expect(try await relay.exitStatus() == .exited(74), "\(relay.log.text)")
    }

    @Test func intoAFileWithATornLine() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("relay-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(#"{"specversion":"1.0","id":"1","sour"#.utf8).write(to: file)
        let relay = try RelayProcess.run(database, ["--until-drained"], output: .file(file.path))
        #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
        let lines = try Data(contentsOf: file).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        #expect(lines.map { EventLine.id(of: $0) } == [1, 1, 2, 3, nil])
    }
}
