import RelayCore
import RelayRuntime
import RelayTestKit
import Synchronization
import Testing

/// Sinks that take their time to open.
@Suite struct OpeningTests {
    @Test func aStopDoesNotWaitForASinkThatDoesNotOpen() async throws {
        let database = try await PrivateCluster.shared().database()
        let sink = SlowToOpen()
        let relay = try Relay(on: database, [sink])
        async let exit = relay.running()
        try await eventually("the sink is asked to open") { sink.isOpening }
        await relay.stop()
        #expect(await exit == .stopped)
        #expect(sink.wasCancelled)
    }
}

/// Opens for as long as nobody cancels it.
private final class SlowToOpen: Sink {
    let name = "slow"
    private let state = Mutex((isOpening: false, wasCancelled: false))

    var isOpening: Bool { state.withLock { $0.isOpening } }
    var wasCancelled: Bool { state.withLock { $0.wasCancelled } }

    func open(_ outbox: OutboxPosition) async throws(SinkError) {
        state.withLock { $0.isOpening = true }
        try? await Task.sleep(for: .seconds(3600))
        state.withLock { $0.wasCancelled = Task.isCancelled }
        throw SinkError(.unavailable, reason: "it was given up")
    }

    func close() async {}

    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {}
}
