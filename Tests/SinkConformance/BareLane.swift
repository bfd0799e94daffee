import RelayCore
import RelayTestKit

/// The least that a lane does with a sink: it hands over, again and again, what has no answer, until all has. And it
/// checks every answer.
struct BareLane {
    let sink: any Sink
    /// Answered as delivered, in the order of the answers.
    private(set) var delivered: [Int64] = []
    /// Answered as rejected, and passed.
    private(set) var rejected: [Int64] = []
    /// Handed over, and left once without the answer that they are delivered: whether they arrived, the lane cannot
    /// know, and so they may arrive twice.
    private(set) var inDoubt: Set<Int64> = []
    /// How many answers were an outage.
    private(set) var outages = 0

    init(_ sink: any Sink) {
        self.sink = sink
    }

    /// Goes on with another sink for the same far side.
    func going(on sink: any Sink) -> BareLane {
        var lane = BareLane(sink)
        (lane.delivered, lane.rejected, lane.inDoubt, lane.outages) = (delivered, rejected, inDoubt, outages)
        return lane
    }

    /// Hands over the events of a batch, `size` at a time, until each is delivered or rejected.
    ///
    /// - Parameter onOutage: called at every outage, before the lane tries again.
    mutating func drain(
        _ batch: EventBatch, _ range: Range<Int>? = nil, size: Int = 40, onOutage: (Int) async throws -> Void = { _ in }
    ) async throws {
        var rest = range ?? 0..<batch.count
        while !rest.isEmpty {
            let part = rest.lowerBound..<min(rest.lowerBound + size, rest.upperBound)
            let answers = await sink.answers(to: Self.delivery(batch, part))
            rest = rest.dropFirst(try take(answers, batch, part))
            if let failure = answers.failures.first {
                guard case .retry = failure else { continue }
                if outages > 1000 { throw KitFailure("the sink does not recover: \(failure)") }
                try await onOutage(outages)
            } else if answers.all.isEmpty {
                throw KitFailure("deliver returned without an answer, and nobody had cancelled it")
            }
        }
    }

    /// Notes the answers to the delivery of a part.
    ///
    /// - Returns: how many of its events are done with.
    mutating func take(_ answers: Answers, _ batch: EventBatch, _ part: Range<Int>) throws -> Int {
        try answers.verify(deliveryOf: part.count)
        var done = answers.delivered
        delivered += batch.ids[part].prefix(done)
        switch answers.failures.first {
        case .rejected(let reason):
            try Self.checkSentence(reason)
            rejected.append(batch.ids[part.lowerBound + done])
            done += 1
        case .retry(_, let reason):
            try Self.checkSentence(reason)
            outages += 1
        case .blocked(let reason), .closed(let reason):
            throw KitFailure("the far side is well enough, but: \(reason)")
        case .delivered, nil: break
        }
        inDoubt.formUnion(batch.ids[part].dropFirst(done))
        return done
    }

    /// Two slices where there are enough events, so that a sink meets more than one.
    static func delivery(_ batch: EventBatch, _ part: Range<Int>) -> Delivery {
        let middle = part.lowerBound + part.count / 3
        return Delivery(
            slices: [part.lowerBound..<middle, middle..<part.upperBound].filter { !$0.isEmpty }.map {
                .init(batch: batch, range: $0)
            })
    }

    private static func checkSentence(_ reason: String) throws {
        if reason.isEmpty || reason.contains("\n") { throw KitFailure("a reason that is no sentence: \"\(reason)\"") }
    }
}
