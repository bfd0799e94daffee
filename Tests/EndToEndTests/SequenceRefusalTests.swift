import RelayTestKit
import Testing

/// A sequence that breaks the proof of the order, changed under a running relay.
@Suite(.heavy) struct SequenceRefusalTests {
    @Test(arguments: Mode.allCases, [("CACHE 10", "CACHE 1"), ("INCREMENT 3", "INCREMENT 1"), ("CYCLE", "NO CYCLE")])
    func changedUnderARunningRelay(_ mode: Mode, _ change: (harm: String, remedy: String)) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.execute("ALTER SEQUENCE outbox_id_seq \(change.harm)")
        try await relay.waitForLog("blocked")
        let last = try await database.insert(5)
        try await stays("nothing is delivered", for: .milliseconds(800)) { relay.output.count == 5 }
        #expect(relay.isRunning)
        try await database.execute("ALTER SEQUENCE outbox_id_seq \(change.remedy)")
        try await relay.waitForEvent(id: last)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }
}
