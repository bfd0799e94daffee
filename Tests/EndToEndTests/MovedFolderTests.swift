import Foundation
import Glibc
import RelayTestKit
import Testing

/// What an operator does to a file sink's folder under a running relay.
@Suite(.heavy) struct MovedFolderTests {
    @Test(arguments: Mode.allCases) func movedAwayThenRemoved(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let (path, old) = ("\(folder.path)/logs", "\(folder.path)/old")
        try #require(mkdir(path, 0o755) == 0)
        let relay = try await RelayProcess.leading(database, mode, ["--sink", "file:\(path)/audit.jsonl"])
        try await database.insert(100)
        try await database.becomesSettled()

        // Moved away and made anew; SIGHUP says so.
        try #require(rename(path, old) == 0 && mkdir(path, 0o755) == 0)
        relay.signal(SIGHUP)
        try await eventually("the file is made in the new folder") {
            try folder.ids("logs/audit.jsonl").isEmpty
                && FileManager.default.fileExists(atPath: "\(path)/audit.jsonl")
        }
        try await database.insert(100)
        try await database.becomesSettled()
        #expect(try folder.ids("old/audit.jsonl") == Array(1...100))
        #expect(try folder.ids("logs/audit.jsonl") == Array(101...200))
        #expect(FileManager.default.fileExists(atPath: "\(path)/.audit.jsonl.lock"))

        // Removed: while there is none it is an outage, whose remedy is true.
        try FileManager.default.removeItem(atPath: path)
        try await database.insert(100)
        let outage = try await relay.waitForLog("outage")
        #expect(outage.fields["reason"] == "\(path) does not exist (No such file or directory); create the folder")
        try #require(mkdir(path, 0o755) == 0)
        try await database.becomesSettled()
        #expect(try folder.ids("logs/audit.jsonl") == Array(201...300))
        #expect(try await relay.stop() == .exited(0))
    }

    /// Not before it runs: a sanitizer's runtime does not begin under such a limit.
    private func limitFiles(of relay: RelayProcess, to limit: String) async throws {
        let prlimit = try ChildProcess(
            ["prlimit", "--pid=\(relay.pid)", "--fsize=\(limit)"], environment: ["PATH": "/usr/bin:/bin"])
        #expect(try await prlimit.exit() == .exited(0))
    }

    /// The system would end a process that a file outgrows its limit with a signal.
    @Test func aFileThatMayNotGrow() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let relay = try await RelayProcess.leading(database, .poll, ["--sink", "file:\(folder.path)/audit.jsonl"])
        try await limitFiles(of: relay, to: "8192:")
        try await database.insert(200)
        let outage = try await relay.waitForLog("outage")
        #expect(
            outage.fields["reason"]?.hasSuffix(
                "audit.jsonl has reached the limit on file sizes (File too large); raise the limit on file sizes, or rotate it earlier"
            )
                == true)
        // As it says.
        try await limitFiles(of: relay, to: "unlimited")
        try await database.becomesSettled()
        #expect(try folder.ids("audit.jsonl") == Array(1...200))
        #expect(try await relay.stop() == .exited(0))
    }
}
