import RelayCore
import Synchronization

/// A sink in memory, with the faults that sinks have.
final class MemorySink: Sink {
    /// What the sink does with the next delivery.
    enum Fault: Sendable {
        case none
        /// An outage: nothing arrives.
        case outage
        /// Everything arrives, and the answer is lost.
        case failAfterWrite
        /// Nothing is answered before `release()`.
        case holdResponse
    }

    private struct State {
        var ids: [Int64] = []
        var fault = Fault.none
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let name: String
    private let state: Mutex<State>

    init(_ name: String, _ fault: Fault = .none) {
        self.name = name
        state = Mutex(State(fault: fault))
    }

    /// Every id that arrived, in the order of arrival.
    var ids: [Int64] { state.withLock { $0.ids } }

    /// Behaves from now on.
    func release() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.fault = .none
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func open(_ outbox: OutboxPosition) async throws(SinkError) {}
    func close() async {}

    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        let fault = state.withLock { $0.fault }
        switch fault {
        case .outage:
            return report(1, .retry(after: nil, reason: "the sink is down"))
        case .failAfterWrite:
            write(delivery)
            state.withLock { $0.fault = .none }
            return report(1, .retry(after: nil, reason: "the answer was lost"))
        case .holdResponse: await held()
        case .none: break
        }
        if Task.isCancelled { return }
        write(delivery)
        report(delivery.count, .delivered)
    }

    private func held() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    if case .holdResponse = state.fault, !Task.isCancelled {
                        state.waiting.append(continuation)
                        return false
                    }
                    return true
                }
                if isFree { continuation.resume() }
            }
        } onCancel: {
            release()
        }
    }

    private func write(_ delivery: Delivery) {
        state.withLock { state in
            for slice in delivery.slices { state.ids += slice.batch.ids[slice.range] }
        }
    }
}
