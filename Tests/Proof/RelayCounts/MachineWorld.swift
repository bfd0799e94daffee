import RelayCore

/// A relay machine whose every wish comes true at once: rows come without a gap, and the sink takes all that it is given.
struct MachineWorld {
    private let usesStream: Bool
    private let rowsAtOnce: Int
    private var machine: RelayMachine
    private var sink = SinkRegistration(name: "sink", generation: 1, cursor: 0, isEarned: true)
    /// The highest id that is committed.
    private var committed: Int64 = 0
    private var delivered = 0
    private var token = 0
    /// Milliseconds.
    private var now: Int64 = 0
    private var transaction: UInt32 = 700
    private var nextWake: Int64?

    init(usesStream: Bool, rowsAtOnce: Int) {
        self.usesStream = usesStream
        self.rowsAtOnce = rowsAtOnce
        var policy = RelayPolicy()
        policy.usesStream = usesStream
        machine = RelayMachine(policy: policy, configured: ["sink"], lanePolicies: [:])
    }

    /// Commits so many events, and lets each portion of them arrive before the next.
    ///
    /// - Returns: how many were delivered.
    mutating func runOn(events: Int) throws -> Int {
        try give(.sessionsOpened(OpenedSessions(sinks: [sink])))
        while delivered < events {
            let before = delivered
            let first = committed + 1
            committed += Int64(min(rowsAtOnce, events - Int(committed)))
            transaction += 1
            if usesStream {
                let ids = IDRanges(ascending: Array(first...committed))
                try give(.rung([Announcement(transaction: transaction, ids: ids)]))
            }
            while delivered < Int(committed), let wake = nextWake {
                now = max(now, wake)
                try give(.tick)
            }
            guard delivered > before else { throw CountingFailure("the machine stands still at \(delivered)") }
            // A thousand portions a second.
            now += 1
            try give(.tick)
        }
        return delivered
    }

    func run(events: Int) throws -> Int {
        var world = self
        return try world.runOn(events: events)
    }

    /// Gives an input, and what comes of it, each answer in a step of its own.
    private mutating func give(_ input: RelayInput) throws {
        var steps = [[input]]
        while !steps.isEmpty {
            let (effects, wake) = machine.decide(steps.removeFirst(), at: now)
            nextWake = wake
            for effect in effects {
                let inputs = try answers(effect)
                if !inputs.isEmpty { steps.append(inputs) }
            }
        }
    }

    private mutating func answers(_ effect: RelayEffect) throws -> [RelayInput] {
        switch effect {
        case .scan: return [.scanned(SequenceScan(lastValue: committed, holders: []))]
        case .claim(let request):
            let rows = rows(above: request.after, through: .max, atMost: request.rows)
            return [
                .claimed(
                    ClaimedRows(rows: rows, lastValue: committed, reachedEnd: true, isOpen: !rows.ids.isEmpty))
            ]
        case .readTail(let request):
            let rows = rows(above: request.rows.after, through: request.rows.through, atMost: request.rows.rows)
            let edges = SnapshotEdges(xmin: UInt64(transaction) + 1, xmax: UInt64(transaction) + 1)
            return [
                .tailRead(
                    TailRows(
                        rows: rows, lastValue: committed, reachedEnd: true, visible: request.transactions,
                        edges: request.wantsEdges ? edges : nil))
            ]
        case .read(let request):
            let rows = rows(above: request.after, through: request.through, atMost: request.rows)
            return [.rowsRead(sink: request.sink, rows, reachedEnd: true)]
        case .settle(let lanes, _):
            if let last = lanes.first?.done.last { sink.cursor = max(sink.cursor, last) }
            return [.settled(SettledState(sinks: [sink]))]
        case .sweep: return [.swept(SweptState(sinks: [sink], owed: nil))]
        case .openStream: return [.streamStanding]
        case .openSink(let name): return [.sinkOpened(sink: name)]
        case .deliver(let name, let flight, let slices):
            let count = slices.reduce(0) { $0 + $1.count }
            delivered += count
            return [
                .answered(sink: name, flight: flight, count: count, .delivered),
                .deliveryEnded(sink: name, flight: flight),
            ]
        case .endClaim, .release, .note, .cancelDelivery: return []
        case .recheckGaps, .fixStarts, .readOwed, .readParked, .finished:
            throw CountingFailure("nothing here should lead to \(effect)")
        }
    }

    private mutating func rows(above after: Int64, through: Int64, atMost count: Int) -> RowBatch {
        let last = min(committed, through, after + Int64(count))
        guard last > after else { return RowBatch(token: nil, ids: []) }
        token += 1
        return RowBatch(token: BatchToken(token), ids: Array((after + 1)...last), bytes: 400)
    }
}
