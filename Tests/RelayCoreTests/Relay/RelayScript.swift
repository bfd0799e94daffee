import RelayCore
import Testing

/// A relay machine under a script: inputs go in, and the effects that matter are picked out.
struct RelayScript {
    var machine: RelayMachine
    var now: Int64 = 0
    private(set) var effects: [RelayEffect] = []
    private var nextToken = 0
    /// Sinks open at once.
    var opensSinks = true

    init(
        _ sinks: [String] = ["a"], lanes: [String: LanePolicy] = [:], _ change: (inout RelayPolicy) -> Void = { _ in }
    ) {
        var policy = RelayPolicy()
        policy.sweepInterval = 1_000_000
        policy.settleInterval = 10
        policy.gapPatience = 0
        change(&policy)
        machine = RelayMachine(policy: policy, configured: sinks, lanePolicies: lanes)
    }

    /// Everything that was asked for so far.
    private var history: [RelayEffect] = []

    /// Gives an input; the effects of this input alone are kept.
    @discardableResult
    mutating func give(_ input: RelayInput) -> [RelayEffect] {
        effects = machine.handle(input, at: now)
        if opensSinks {
            for case .openSink(let sink) in effects { effects += machine.handle(.sinkOpened(sink: sink), at: now) }
        }
        history += effects
        return effects
    }

    /// Leadership begins on these sinks; the sweep that comes with it finds nothing.
    mutating func lead(_ sinks: [SinkRegistration]) {
        give(.sessionsOpened(OpenedSessions(sinks: sinks)))
        give(.swept(SweptState(sinks: sinks, owed: [:])))
    }

    mutating func batch(_ ids: Int64...) -> RowBatch {
        nextToken += 1
        return RowBatch(token: BatchToken(nextToken), ids: ids, bytes: 1)
    }

    /// Rows with ordering keys.
    mutating func batch(keys: [Int64: String]) -> RowBatch {
        let ids = keys.keys.sorted()
        nextToken += 1
        return RowBatch(
            token: BatchToken(nextToken), ids: ids, keys: ids.map { EventKey(keys[$0] ?? "") }, bytes: 1)
    }

    /// The claim under way brings these rows, and nothing lies beyond them.
    mutating func claimed(_ rows: RowBatch, lastValue: Int64) {
        give(.claimed(ClaimedRows(rows: rows, lastValue: lastValue, reachedEnd: true, isOpen: true)))
    }

    /// The claim under way finds nothing.
    mutating func findsNothing() {
        give(
            .claimed(
                ClaimedRows(rows: RowBatch(token: nil, ids: []), lastValue: nil, reachedEnd: true, isOpen: false)))
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

    /// The sink takes everything of one flight that has one event.
    mutating func ends(_ sink: String, _ flight: Int) {
        give(.answered(sink: sink, flight: flight, count: 1, .delivered))
        let answer = effects
        give(.deliveryEnded(sink: sink, flight: flight))
        effects = answer + effects
    }

    /// Events that are with a sink together.
    struct Flight: Hashable {
        var number: Int
        var ids: [Int64]

        static func flight(_ number: Int, of ids: Int64...) -> Flight { Flight(number: number, ids: ids) }
    }

    /// What the last input sent to the sink, by the numbers of the flights.
    func flights(_ sink: String) -> [Flight] {
        var flights: [Flight] = []
        for case .deliver(sink, let number, let slices) in effects {
            flights.append(Flight(number: number, ids: slices.flatMap(\.ids)))
        }
        return flights.sorted { $0.number < $1.number }
    }

    /// Everything that was ever sent to the sink.
    func everSent(_ sink: String) -> [Int64] {
        var ids: [Int64] = []
        for case .deliver(sink, _, let slices) in history { ids += slices.flatMap(\.ids) }
        return ids
    }

    /// What the only lane brings to the settlement that the last input began.
    var settled: [Int64]? { settle?.first?.done }

    var sweeps: Bool { effects.contains { if case .sweep = $0 { true } else { false } } }

    /// What the last input sent to the sink; nil: nothing.
    func sent(_ sink: String) -> [Int64]? {
        for case .deliver(sink, _, let slices) in effects { return slices.flatMap(\.ids) }
        return nil
    }

    var claim: ClaimRequest? {
        for case .claim(let request) in effects { return request }
        return nil
    }

    var recheckedGaps: IDRanges? {
        for case .recheckGaps(let ranges) in effects { return ranges }
        return nil
    }

    var read: ReadRequest? {
        for case .read(let request) in effects { return request }
        return nil
    }

    /// Whether rows above this one were ever claimed.
    func everClaimed(after id: Int64) -> Bool {
        history.contains { if case .claim(let request) = $0 { request.after >= id } else { false } }
    }

    /// Above which id the last read for the sink was to begin.
    func lastRead(_ sink: String) -> Int64? {
        var after: Int64?
        for case .read(let request) in history where request.sink == sink { after = request.after }
        return after
    }

    /// The read of the tail that the last input asked for.
    var tailRead: TailRequest? {
        for case .readTail(let request) in effects { return request }
        return nil
    }

    /// The sweep that the last input asked for.
    var sweep: SweepRequest? {
        for case .sweep(let request) in effects { return request }
        return nil
    }

    var settle: [LaneProgress]? {
        for case .settle(let lanes, _) in effects { return lanes }
        return nil
    }

    /// The last settlement that was begun.
    var lastSettle: [LaneProgress]? {
        var last: [LaneProgress]?
        for case .settle(let lanes, _) in history { last = lanes }
        return last
    }

    var end: RelayEnd? {
        for case .finished(let end) in effects { return end }
        return nil
    }
}

extension OpenedSessions {
    init(sinks: [SinkRegistration], owed: [OwedEntry]) {
        self.init(sinks: sinks, owed: [String: OwedPortion](whole: owed))
    }

    init(sinks: [SinkRegistration], owed: [OwedEntry], parkedKeys: [String: [EventKey: Int64]]) {
        self.init(sinks: sinks, owed: [String: OwedPortion](whole: owed), parkedKeys: parkedKeys)
    }
}

extension SweptState {
    init(
        sinks: [SinkRegistration], owed: [OwedEntry], entered: [OwedEntry] = [], parkedToRetry: [String: [Int64]] = [:],
        parkRequests: [String: [Int64]] = [:], parkedKeys: [String: [EventKey: Int64]]? = nil
    ) {
        self.init(
            sinks: sinks, owed: [String: OwedPortion](whole: owed), entered: entered, parkedToRetry: parkedToRetry,
            parkRequests: parkRequests, parkedKeys: parkedKeys)
    }
}
