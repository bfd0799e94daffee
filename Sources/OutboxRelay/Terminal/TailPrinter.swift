import Glibc
import RelayCore
import StdoutSink
import Synchronization

/// Why nothing more is printed.
enum TailEnd: Error, Sendable, Hashable {
    /// As much as was asked for.
    case limit
    /// Nobody reads any more.
    case closed
    case cancelled
    /// It cannot be written, and why.
    case failed(String)
}

/// Prints the events that are wanted to standard output, byte for byte as the sink of that name does.
struct TailPrinter: Sendable {
    private let sink: StdoutSink
    private let filter: EventFilter
    /// Events that may still be printed.
    private var left: Int

    /// - Parameters:
    ///   - filter: which events are wanted.
    ///   - limit: how many at most, at least 1.
    init(_ filter: EventFilter, limit: Int, descriptor: Int32 = STDOUT_FILENO) {
        sink = StdoutSink(descriptor: descriptor)
        self.filter = filter
        left = limit
    }

    func open() async throws(SinkError) {
        // It keeps no place of its own, and compares it with nothing.
        try await sink.open(OutboxPosition(lastValue: 0))
    }

    func close() async { await sink.close() }

    /// Prints what is wanted of a batch.
    mutating func print(_ batch: EventBatch) async throws(TailEnd) {
        guard let delivery = wanted(batch) else { return }
        let answers = Mutex<[SinkAnswer]>([])
        await sink.deliver(delivery) { count, outcome in
            answers.withLock { $0.append(SinkAnswer(count: count, outcome: outcome)) }
        }
        var rest = delivery.count
        for answer in answers.withLock(\.self) {
            switch answer.outcome {
            case .delivered: rest -= answer.count
            case .closed: throw .closed
            case .retry(_, let reason), .rejected(let reason), .blocked(let reason): throw .failed(reason)
            }
        }
        guard rest == 0 else { throw .cancelled }
        left -= delivery.count
        if left == 0 { throw .limit }
    }

    private func wanted(_ batch: EventBatch) -> Delivery? {
        var slices: [Delivery.Slice] = []
        var room = left
        for index in 0..<batch.count where room > 0 && filter.passes(batch, index) {
            room -= 1
            if let last = slices.last, last.range.upperBound == index {
                slices[slices.count - 1] = Delivery.Slice(batch: batch, range: last.range.lowerBound..<index + 1)
            } else {
                slices.append(Delivery.Slice(batch: batch, range: index..<index + 1))
            }
        }
        return slices.isEmpty ? nil : Delivery(slices: slices)
    }
}
