import Metrics
import Synchronization

/// Spans that have ended and wait for the exporter, bounded in number and in bytes: who ends a span never waits, and
/// one that finds no room is lost and counted.
package final class SpanQueue: Sendable {
    /// Why the exporter is to look.
    enum Ring: Sendable {
        /// There are enough for a request.
        case full
        /// It is time.
        case due
    }

    private struct State {
        var waiting: [SpanRecord] = []
        var bytes = 0
        var untold = 0
        var isClosed = false
    }

    /// Spans that wait at most.
    package static let limit = 2048
    /// About as many bytes as they take at most.
    package static let byteLimit = 4 << 20
    /// Spans of a request at most.
    package static let batchLimit = 512
    /// About as many bytes as the spans of a request take at most.
    private static let batchBytes = 1 << 20

    let rings: AsyncStream<Ring>
    private let ringer: AsyncStream<Ring>.Continuation
    private let dropped: Counter
    private let state = Mutex(State())

    /// - Parameter factory: of the counter of lost spans; where the process has none, nothing is counted.
    package init(factory: any MetricsFactory = MetricsSystem.factory) {
        // One ring is as good as many.
        (rings, ringer) = AsyncStream.makeStream(of: Ring.self, bufferingPolicy: .bufferingNewest(1))
        dropped = Counter(label: TracingMetricName.spansDropped, dimensions: [], factory: factory)
    }

    /// How many spans wait.
    package var count: Int { state.withLock { $0.waiting.count } }

    /// Takes a span, or loses it.
    package func add(_ span: SpanRecord) {
        let bytes = span.byteCount
        let waiting = state.withLock { (state) -> Int? in
            guard !state.isClosed, state.waiting.count < Self.limit, state.bytes + bytes <= Self.byteLimit else {
                state.untold += 1
                return nil
            }
            state.waiting.append(span)
            state.bytes += bytes
            return state.waiting.count
        }
        if waiting == nil { dropped.increment() }
        if waiting == Self.batchLimit { ringer.yield(.full) }
    }

    /// Gives out the spans of the next request; none where none wait.
    package func take() -> [SpanRecord] {
        state.withLock { state in
            var (count, bytes) = (0, 0)
            while count < min(state.waiting.count, Self.batchLimit) {
                let more = state.waiting[count].byteCount
                if count > 0, bytes + more > Self.batchBytes { break }
                bytes += more
                count += 1
            }
            let taken = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            state.bytes -= bytes
            return taken
        }
    }

    /// Counts spans that were taken and could not be handed on.
    func lose(_ count: Int) {
        dropped.increment(by: count)
        state.withLock { $0.untold += count }
    }

    /// How many spans were lost since this was last asked.
    package func takeLosses() -> Int {
        state.withLock { state in
            defer { state.untold = 0 }
            return state.untold
        }
    }

    /// Tells the exporter that it is time.
    func ring() { ringer.yield(.due) }

    /// Takes no span any more; what waits can still be taken.
    func close() {
        state.withLock { $0.isClosed = true }
        ringer.finish()
    }
}

/// The names of what is counted, as Prometheus has them.
package enum TracingMetricName {
    /// Spans that never reached a collector.
    package static let spansDropped = "outbox_relay_spans_dropped_total"

    /// A sentence for each name.
    package static let help = [spansDropped: "Spans that never reached a collector."]
}
