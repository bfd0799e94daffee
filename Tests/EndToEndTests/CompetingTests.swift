import RelayTestKit
import Testing
import WebhookReceiver

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

    /// A receiver that takes too long for one event: it is told, with the event, and the others are delivered meanwhile.
    @Test func anEventWithoutAnAnswerInTimeHoldsNobodyUp() async throws {
        let database = try await PrivateCluster.shared().database()
        let receiver = try await WebhookReceiver { request in
            ReceiverAnswer(204, delay: request["webhook-id"] == "1" ? .seconds(8) : .zero)
        }
        try await database.insert(20)
        let sink = "http://127.0.0.1:\(receiver.port)/"
        let relay = try RelayProcess.run(
            database, ["--order", "none", "--claim-timeout", "2s", "--sink", sink])
        try await eventually("the others are published") {
            try await database.numbers("SELECT id FROM outbox_unpublished") == [1]
        }
        let told = "did not answer within 1.6 seconds (event 1; other events continue)"
        _ = try await relay.waitForLog("outage") { $0.fields["message"]?.hasSuffix(told) == true }
        receiver.answer { _ in ReceiverAnswer(204) }
        try await database.becomesSettled()
        let ids = receiver.requests.compactMap { $0["webhook-id"].flatMap { Int64($0) } }
        #expect(Set(ids) == Set(1...20))
        // It is tried again, but not again and again.
        #expect(ids.filter { $0 == 1 }.count <= 20, "\(ids)")
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
        await receiver.stop()
    }
}
