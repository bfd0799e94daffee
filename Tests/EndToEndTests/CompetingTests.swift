import RelayTestKit
import Testing

/// `--order none`: relays side by side on one outbox.
@Suite(.heavy) struct CompetingTests {
    @Test func theyShareTheLoad() async throws {
        let database = try await PrivateCluster.shared().database()
        let relays = try (0..<2).map { _ in
            try RelayProcess.run(database, ["--order", "none", "--batch-size", "50"])
        }
        for relay in relays { try await relay.waitForLog("competing") }
        for _ in 0..<40 { try await database.insert(100) }
        try await database.becomesSettled()
        for relay in relays { #expect(try await relay.stop() == .exited(0), "\(relay.log.text)") }
        #expect(relays.flatMap(\.output.ids).sorted() == Array(1...4000))
        #expect(relays.allSatisfy { $0.output.count > 0 })
        #expect(try await database.number("SELECT count(*) FROM outbox_sink") == 0)
        try await database.insert(10)
        let last = try await RelayProcess.drained(database, .poll, ["--order", "none"])
        #expect(last.output.ids == Array(4001...4010))
    }

    @Test func aRegisteredSinkIsRefused() async throws {
        let database = try await PrivateCluster.shared().database()
        _ = try await RelayProcess.drained(database, .poll)
        let relay = try RelayProcess.run(database, ["--order", "none"])
        #expect(try await relay.exitStatus() == .exited(78))
        #expect(relay.log.text.contains("sinks remove stdout"), "\(relay.log.text)")
    }
}
