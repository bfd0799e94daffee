import RelayCore
import Testing

/// A relay machine under a script: inputs go in, and the effects that matter are picked out.
struct RelayScript {
    var machine: RelayMachine
    var now: Int64 = 0
    private(set) var effects: [RelayEffect] = []
    private var nextToken = 0

    init(_ sinks: [String] = ["a"], _ change: (inout RelayPolicy) -> Void = { _ in }) {
        var policy = RelayPolicy()
        policy.sweepInterval = 1_000_000
        policy.settleInterval = 10
        change(&policy)
        machine = RelayMachine(policy: policy, configured: sinks)
    }

    /// Gives an input; the effects of this input alone are kept.
    @discardableResult
    mutating func give(_ input: RelayInput) -> [RelayEffect] {
        effects = machine.handle(input, at: now)
        return effects
    }

    /// Leadership begins on these sinks; the sweep that comes with it finds nothing.
    mutating func lead(_ sinks: [SinkRegistration]) {
        give(.sessionsOpened(OpenedSessions(sinks: sinks)))
        give(.swept(SweptState(sinks: sinks, late: [])))
    }

    mutating func batch(_ ids: Int64...) -> RowBatch {
        nextToken += 1
        return RowBatch(
            token: BatchToken(nextToken), ids: ids, transactions: ids.map { UInt32(truncatingIfNeeded: $0) }, bytes: 1)
    }

    /// The claim under way brings these rows, and nothing lies beyond them.
    mutating func claimed(_ rows: RowBatch, lastValue: Int64) {
        give(.claimed(ClaimedRows(rows: rows, lastValue: lastValue, reachedEnd: true, isOpen: true)))
    }

    mutating func scanned(_ lastValue: Int64, _ holders: Set<SequenceHolder> = []) {
        give(.scanned(SequenceScan(lastValue: lastValue, holders: holders)))
    }

    /// The sink takes everything that is with it.
    mutating func delivers(_ sink: String, _ count: Int) {
        give(.answered(sink: sink, count: count, .delivered))
        let answer = effects
        give(.deliveryEnded(sink: sink))
        effects = answer + effects
    }

    /// What the last input sent to the sink; nil: nothing.
    func sent(_ sink: String) -> [Int64]? {
        for case .deliver(sink, let slices) in effects { return slices.flatMap(\.ids) }
        return nil
    }

    var claim: ClaimRequest? {
        for case .claim(let request) in effects { return request }
        return nil
    }

    var look: IDRanges? {
        for case .look(let ranges) in effects { return ranges }
        return nil
    }

    var read: ReadRequest? {
        for case .read(let request) in effects { return request }
        return nil
    }

    var settle: [LaneProgress]? {
        for case .settle(let lanes, _) in effects { return lanes }
        return nil
    }

    var end: RelayEnd? {
        for case .finished(let end) in effects { return end }
        return nil
    }
}
