import RelayCore

/// Everything outside the deciding core: the server, its producers, an operator, the relay's sessions, the sinks.
///
/// What the core asks for is pending here until some later step answers it.
struct World: Hashable, Sendable {
    struct Producer: Hashable, Sendable {
        enum Phase: Hashable, Sendable {
            /// Exits: `locked`, `drawn`.
            case idle
            case locked
            /// Has drawn, and inserted for each of `ids`. Exits: every end of a transaction.
            case drawn
            case prepared
            /// The commit is written, and streamed; nobody sees it. Exit: `visible`.
            case flushed
            /// Exit: `idle` (the locks go).
            case visible
            /// Holds an id of an ended transaction. Exits: `insertedLate`, `idle`.
            case keeping
            case insertedLate
        }

        var phase = Phase.idle
        var ids = IDSet()
        /// Inserted and deleted again by the same transaction: the stream tells of them.
        var withdrawn = IDSet()
        /// The transaction's number; 0 before it has drawn.
        var transaction: UInt8 = 0
        var left: UInt8
        /// Server restarts and a renaming PREPARE change a transaction's name.
        var renamed: UInt8 = 0

        var holdsSequence: Bool {
            switch phase {
            case .locked, .drawn, .prepared, .flushed, .visible: true
            case .idle, .keeping, .insertedLate: false
            }
        }
        /// It has a number, and nobody sees it.
        var isRunning: Bool {
            switch phase {
            case .drawn, .prepared, .flushed, .insertedLate: true
            case .idle, .locked, .visible, .keeping: false
            }
        }
        /// What the creation of a slot waits for.
        var hasWritten: Bool {
            switch phase {
            case .drawn: !ids.isEmpty || !withdrawn.isEmpty
            case .prepared, .flushed, .visible, .insertedLate: true
            case .idle, .locked, .keeping: false
            }
        }
    }

    /// A statement under way.
    enum Request: Hashable, Sendable {
        case sent(RelayEffect)
        /// Executed; the answer is on its way.
        case answered(RelayInput)
    }

    /// A commit that the stream tells of.
    struct Ring: Hashable, Sendable {
        var transaction: UInt8
        var ids: IDSet
    }

    struct Read: Hashable, Sendable {
        var sink: String
        var kind: LaneRead
        var request: Request
    }

    struct Delivering: Hashable, Sendable {
        var flight: Int
        var ids: [Int64]
        var answered = 0
        var isCancelled = false
        /// Sent before another relay led: that one sent the same.
        var isOfEarlierReign = false
        /// Sent before an administrator gave the sink another place, or before the relay knew: whatever that place is.
        var isAstray = false
    }

    enum Slot: Hashable, Sendable {
        case absent
        /// Waits for the producers that were running.
        case creating(running: UInt8)
        /// Commits are queued from here on.
        case consistent
        case standing
    }

    enum Scan: Hashable, Sendable {
        case none, sent
        case hasValue(Int64)
        case hasHolders(Set<SequenceHolder>)
    }

    /// One sink, and what a checker remembers of it.
    struct SinkSide: Hashable, Sendable {
        var name: String
        /// By flight, ascending.
        var deliveries: [Delivering] = []
        var given = IDSet()
        var highest: Int64 = 0
        /// May come once more: the sink has it and the relay cannot know.
        var mayRepeat = IDSet()
        /// Rows at or below are not owed to this sink.
        var begins: Int64 = 0
        /// Per ordering key, the highest row that came.
        var highestOfKey: [EventKey: Int64] = [:]
        /// Rows that were parked at some time, so that they come out of turn.
        var everParked = IDSet()
    }

    struct Parked: Hashable, Sendable {
        var sink: String
        var id: Int64
        var isBehind: Bool
        /// Somebody wants it tried again.
        var isRequested: Bool
    }

    // The database.
    var lastValue: Int64 = 0
    /// A crash does not take the sequence below this.
    var durable: Int64 = 0
    var unpublished = IDSet()
    var published = IDSet()
    /// Rows that were visible at some time.
    var seen = IDSet()
    /// Rows that are rightly delivered out of turn.
    var lateRows = IDSet()
    var locked = IDSet()
    var producers: [Producer]
    var sinks: [SinkRegistration]
    var absent = IDRanges()
    var owed: [OwedEntry] = []
    /// By sink and id, ascending.
    var parked: [Parked] = []

    // The relay's sessions.
    var sessionsAreOpen = false
    /// This process has led before, and nobody since.
    var hasLed = false
    var scan = Scan.none
    var tailRead: Request?
    var work: Request?
    var claimed = IDSet()
    var reads: [Read] = []
    var slot = Slot.absent
    /// Commits that the stream has not told of yet.
    var queue: [Ring] = []
    /// The number of the next transaction.
    var nextTransaction: UInt8 = 1

    var sides: [SinkSide]
    /// What was visible when the last sweep looked.
    var seenBySweep = IDSet()
    var hasCrashed = false
    /// Rows that the sinks reject.
    var rejected: IDSet
    /// How often somebody may still ask for the parked events to be tried again.
    var retryRequests: UInt8

    // Misfortunes that are left.
    var relayCrashes: UInt8
    var serverCrashes: UInt8
    var connectionLosses: UInt8
    var streamLosses: UInt8
    var outages: UInt8
    var lostAnswers: UInt8
    var operatorLocks: UInt8
    var cleanUps: UInt8
    var undoneMarks: UInt8
    var workFailures: UInt8
    var stops: UInt8
    var freezes: UInt8
    /// How many of the administrator's requests are done.
    var requestsDone = 0

    init(_ scenario: Scenario) {
        producers = scenario.producers.map { _ in Producer(left: scenario.transactions) }
        sinks = scenario.sinks
        sides = scenario.sinks.map { SinkSide(name: $0.name, begins: max($0.cursor, $0.passThrough ?? 0)) }
        // Nothing is owed to a sink that is not registered.
        for case .add(let name, _) in scenario.requests { sides.append(SinkSide(name: name, begins: scenario.ids)) }
        relayCrashes = scenario.relayCrashes
        serverCrashes = scenario.serverCrashes
        connectionLosses = scenario.connectionLosses
        streamLosses = scenario.streamLosses
        outages = scenario.outages
        lostAnswers = scenario.lostAnswers
        operatorLocks = scenario.operatorLocks
        cleanUps = scenario.cleanUps
        undoneMarks = scenario.undoneMarks
        workFailures = scenario.workFailures
        stops = scenario.mayStop ? 1 : 0
        freezes = scenario.freezes
        rejected = IDSet(scenario.rejected)
        retryRequests = scenario.retryRequests
    }

    var visible: IDSet { unpublished.union(published) }

    func side(_ sink: String) -> Int? { sides.firstIndex { $0.name == sink } }

    /// The transaction's name in `pg_locks`.
    func holder(_ index: Int) -> SequenceHolder {
        let producer = producers[index]
        return SequenceHolder(
            virtualTransaction: "\(index)/\(producer.renamed)",
            pid: producer.phase == .prepared ? nil : Int32(index + 1))
    }

    /// Whether everybody sees what the transaction has done, or nobody ever will.
    func isOver(_ transaction: UInt32) -> Bool {
        transaction < nextTransaction && !producers.contains { $0.isRunning && $0.transaction == transaction }
    }

    var edges: SnapshotEdges {
        let running = producers.filter(\.isRunning).map(\.transaction).min() ?? nextTransaction
        return SnapshotEdges(xmin: UInt64(running), xmax: UInt64(nextTransaction))
    }
}
