import Foundation
import RelayTestKit
import Testing

/// A relay that is started with some of its standard streams closed.
@Suite(.heavy) struct StandardStreamsTests {
    private static let combinations = ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"]

    @Test(arguments: combinations) func filesAndSocketsDoNotTakeTheirPlace(_ closed: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let relay = try RelayProcess.run(
            database, ["--sink", "file:\(folder.path)/events.jsonl"], shell: "exec \"$@\" \(closed)")
        let last = try await database.insert(10)
        try await database.becomesSettled()
        #expect(try folder.ids("events.jsonl") == Array(1...last))
        for (number, redirection) in ["<&-", ">&-", "2>&-"].enumerated()
        where closed.split(separator: " ").contains(Substring(redirection)) {
            let target = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(relay.pid)/fd/\(number)")
            #expect(target == "/dev/null")
        }
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
    }

    @Test(arguments: combinations.filter { $0.contains(" >&-") || $0.hasPrefix(">&-") })
    func aSinkOnAClosedOutputIsRefused(_ closed: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        for sinks in [[], ["--sink", "stdout"], ["--sink", "out=stdout"]] {
            let relay = try RelayProcess.run(database, sinks + ["--until-drained"], shell: "exec \"$@\" \(closed)")
            #expect(try await relay.exitStatus() == .exited(78), "\(relay.log.text)")
            guard !closed.contains("2>&-") else { continue }
            #expect(relay.log.entries.count == 1)
            #expect(
                relay.log.text.contains(
                    "standard output was closed at start; redirect it, or use another sink"),
                "\(relay.log.text)")
        }
        #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 10)
    }

    @Test func anOutputThatIsOpenForReadingIsRefused() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try RelayProcess.run(database, ["--until-drained"], shell: "exec \"$@\" 1</dev/null")
        #expect(try await relay.exitStatus() == .exited(78), "\(relay.log.text)")
        #expect(relay.log.text.contains("open for reading only"), "\(relay.log.text)")
    }
}
