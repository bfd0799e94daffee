import RelayTestKit
import Testing

/// A sink that is registered and that nobody serves: hard to miss, and let go of by the command that is named.
@Suite(.heavy) struct ForgottenSinkTests {
    /// Somebody tries `run` with the default stdout, then configures a file.
    @Test(arguments: Mode.allCases) func theDefaultStdoutIsLetGoOfByTheCommandThatIsNamed(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        _ = try await RelayProcess.drained(database, mode)
        try await database.insert(20)
        let folder = try SinkFolder()
        let options = try folder.configuration("sinks: [{name: audit, to: \"file:FOLDER/audit.jsonl\"}]\n")
        // At every start, also where the relay ends before anything is counted.
        let first = try await RelayProcess.drained(database, mode, options)
        #expect(first.log.entries(of: "unconfigured_sink").count == 1, "\(first.log.text)")
        #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 20)

        let relay = try await RelayProcess.leading(database, mode, options)
        let entry = try await relay.waitForLog("unconfigured_sink") { $0.fields["sink"] == "stdout" }
        #expect(entry.level == "warning")
        #expect(entry.fields["rows"] == "20", "\(entry)")
        let bytes = try #require(entry.fields["bytes"].flatMap { Int($0) }, "\(entry)")
        #expect(bytes > 20 * 64)
        #expect(entry.fields["message"]?.contains("outbox-relay sinks remove stdout") == true, "\(entry)")
        let (removed, command) = try await RelayProcess.command(
            ["sinks", "remove", "stdout", "--database", database.conninfo])
        #expect(removed == .exited(0), "\(command.log.text)")
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")

        let last = try await RelayProcess.drained(database, mode, options)
        #expect(last.log.entries(of: "unconfigured_sink").isEmpty, "\(last.log.text)")
    }

    /// One that turns up while the relay leads.
    @Test func aSinkThatIsAddedIsNamedWithWhatItHolds() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        let relay = try await RelayProcess.leading(database, .poll)
        try await database.becomesSettled()
        let (added, command) = try await RelayProcess.command(
            ["sinks", "add", "archive", "--database", database.conninfo])
        #expect(added == .exited(0), "\(command.log.text)")
        let entry = try await relay.waitForLog("unconfigured_sink") { $0.fields["sink"] == "archive" }
        #expect(entry.fields["rows"] == "0", "\(entry)")
        #expect(try await relay.stop() == .exited(0))
    }
}
