import RelayCore
import SinkConformance
import Synchronization

/// A sink in memory, with the faults that sinks have.
final class MemorySink: Sink {
    private struct State {
        var ids: [Int64] = []
        var isOpen = false
        var fault: SinkFault?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let name: String
    private let state: Mutex<State>

    private let refusal: String

    init(_ name: String, _ fault: SinkFault? = nil, refusal: String = "the sink refuses this one") {
        self.name = name
        self.refusal = refusal
        state = Mutex(State(fault: fault))
    }

    /// Every id that arrived, in the order of arrival.
    var ids: [Int64] { state.withLock { $0.ids } }

    /// Whether a delivery waits for `holdResponse` to end.
    var isHolding: Bool { state.withLock { !$0.waiting.isEmpty } }

    /// Behaves so from now on.
    func inject(_ fault: SinkFault?) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.fault = fault
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func open(_ outbox: OutboxPosition) async throws(SinkError) { state.withLock { $0.isOpen = true } }
    func close() async { state.withLock { $0.isOpen = false } }

    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        let (fault, isOpen) = state.withLock { ($0.fault, $0.isOpen) }
        guard isOpen, fault != .outage else { return report(1, .retry(after: nil, reason: "the sink is down")) }
        switch fault {
        case .failAfterWrite:
            write(delivery)
            state.withLock { $0.fault = nil }
            return report(1, .retry(after: nil, reason: "the answer was lost"))
        case .holdResponse: await held()
        case .respondSlowly: try? await Task.sleep(for: .milliseconds(3))
        case .reject, .outage, nil: break
        }
        if Task.isCancelled { return }
        let taken = write(delivery, rejecting: fault == .reject ? SinkFault.rejectedID : nil)
        if taken > 0 { report(taken, .delivered) }
        if taken < delivery.count { report(1, .rejected(reason: refusal)) }
    }

    private func held() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    if state.fault == .holdResponse, !Task.isCancelled {
                        state.waiting.append(continuation)
                        return false
                    }
                    return true
                }
                if isFree { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// Writes events up to the one that is refused; says how many.
    @discardableResult
    private func write(_ delivery: Delivery, rejecting refused: Int64? = nil) -> Int {
        state.withLock { state in
            let ids = delivery.slices.flatMap { $0.batch.ids[$0.range] }
            let taken = ids.prefix { $0 != refused }
            state.ids += taken
            return taken.count
        }
    }
}
