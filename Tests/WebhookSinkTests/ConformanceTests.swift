import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing
import WebhookReceiver
import WebhookSink

@Suite("Webhooks keep a sink's promises", .timeLimit(.minutes(3)))
struct ConformanceTests {
    @Test(arguments: SinkPromise.all(of: WebhookUnderTest<Single>.self))
    func keepsSingly(_ promise: SinkPromise) async throws {
        try await promise.check { try await WebhookUnderTest<Single>() }
    }

    @Test(arguments: SinkPromise.all(of: WebhookUnderTest<Batched>.self))
    func keepsInBatches(_ promise: SinkPromise) async throws {
        try await promise.check { try await WebhookUnderTest<Batched>() }
    }
}

/// How many events travel in a request.
protocol RequestSize: Sendable {
    static var batch: Int { get }
}
enum Single: RequestSize { static let batch = 1 }
enum Batched: RequestSize { static let batch = 16 }

/// A webhook and its receiver, which knows every fault.
final class WebhookUnderTest<Size: RequestSize>: SinkUnderTest {
    static var faults: Set<SinkFault> { Set(SinkFault.allCases) }
    static var suppressesDuplicates: Bool { false }

    private struct State {
        var fault: SinkFault?
        var arrived: [Int64] = []
    }

    private let receiver: WebhookReceiver
    private let state: Box

    /// Shared with the receiver's handler.
    private final class Box: Sendable {
        let value = Mutex(State())
    }

    init() async throws {
        let state = Box()
        self.state = state
        receiver = try await WebhookReceiver(keeps: false) { request in
            state.value.withLock { Self.answer(request, &$0) }
        }
    }

    private static func answer(_ request: ReceivedRequest, _ state: inout State) -> ReceiverAnswer {
        // The ids are in the body, one behind the other.
        let ids = request.text.split(separator: #"{"specversion":"1.0","id":""#, omittingEmptySubsequences: false)
            .dropFirst().compactMap { Int64($0.prefix { $0 != "\"" }) }
        switch state.fault {
        case .outage: return ReceiverAnswer(503)
        case .reject where ids.contains(SinkFault.rejectedID): return ReceiverAnswer(422, body: "not this one")
        case .failAfterWrite:
            state.arrived += ids
            state.fault = nil
            return .hangUp
        case .respondSlowly:
            state.arrived += ids
            return ReceiverAnswer(delay: .milliseconds(5))
        default:
            state.arrived += ids
            return ReceiverAnswer()
        }
    }

    func makeSink() throws -> any Sink {
        WebhookSink(receiver.settings { $0.batch = Size.batch })
    }

    func inject(_ fault: SinkFault?) async throws {
        state.value.withLock { $0.fault = fault }
        if fault == .holdResponse { receiver.hold() } else { receiver.release() }
    }

    func isHolding() async throws -> Bool { receiver.isHolding }

    func arrived() async throws -> [Int64] { state.value.withLock { $0.arrived } }

    func end() async { await receiver.stop() }
}
