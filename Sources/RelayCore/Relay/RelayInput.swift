/// What may happen to the relay while it leads.
package enum RelayInput: Hashable, Sendable {
    /// Time has passed.
    case tick
    /// Leadership began, or its sessions were opened anew: the stored state, read after every older session was gone.
    case sessionsOpened(OpenedSessions)
    /// The tenure is over (the leader or the work session was lost, or it ended): all sessions go.
    case sessionsLost
    /// The sinks as they stand now, read by a beat: some generation differs from what the lanes hold.
    case sinksChanged
    /// What keeps delivery from going on (a sequence whose settings break the proof); nil once fixed.
    case suspended(String?)

    case scanned(SequenceScan)
    case scanFailed
    case claimed(ClaimedRows)
    case gapsRechecked(RowsInGaps)
    /// A claim, recheck of gaps, settlement, sweep or start fixing ended in an error and was rolled back.
    case workFailed
    case settled(SettledState)
    case swept(SweptState)
    case startsFixed([SinkRegistration])
    /// A table read for a lane. `reachedEnd`: there was nothing more up to the place asked for. `fault`: it ends before a
    /// row that cannot be read.
    case rowsRead(sink: String, RowBatch, reachedEnd: Bool, fault: RowFault? = nil)
    /// `reachedEnd`: all that were asked for and are there came, but for those that cannot be read.
    case owedRowsRead(sink: String, RowBatch, reachedEnd: Bool = true, faults: [RowFault] = [])
    /// One of the reads for a lane; the others are under way still.
    case readFailed(sink: String, LaneRead)

    case streamStanding
    /// Transactions that were committed, as the stream tells of them.
    case rung([Announcement])
    case streamEnded
    case tailRead(TailRows)
    case tailReadFailed

    case sinkOpened(sink: String)
    case sinkOpenFailed(sink: String, SinkError)
    /// `flight`: as the delivery was numbered.
    case answered(sink: String, flight: Int = 0, count: Int, DeliveryOutcome)
    case deliveryEnded(sink: String, flight: Int = 0)
    /// Somebody wants parked events tried again or discarded.
    case operatorRequested
    /// The parked events that were asked for, as far as they are there.
    case parkedRowsRead(sink: String, RowBatch)
    /// Finish what is in flight, settle it, and end.
    case stop
}

/// The stored state that leadership begins with.
package struct OpenedSessions: Hashable, Sendable {
    package var sinks: [SinkRegistration]
    /// Per sink, what is owed to it, as far as ``OwedPortion`` takes it.
    package var owed: [String: OwedPortion]
    /// Nobody else has led since these lanes were last settled: what they remember holds.
    package var keepsLanes: Bool
    /// The published leaf holds rows above the highest cursor.
    package var publishedAboveCursors: Bool
    /// Per sink with `onReject: parkKey`: the keys that are parked, and the lowest parked event of each.
    package var parkedKeys: [String: [EventKey: Int64]]

    package init(
        sinks: [SinkRegistration], owed: [String: OwedPortion] = [:], keepsLanes: Bool = false,
        publishedAboveCursors: Bool = false, parkedKeys: [String: [EventKey: Int64]] = [:]
    ) {
        self.sinks = sinks
        self.owed = owed
        self.keepsLanes = keepsLanes
        self.publishedAboveCursors = publishedAboveCursors
        self.parkedKeys = parkedKeys
    }
}

/// A scan of the sequence and of those who hold its lock, by two statements in this order.
package struct SequenceScan: Hashable, Sendable {
    package var lastValue: Int64
    package var holders: Set<SequenceHolder>

    package init(lastValue: Int64, holders: Set<SequenceHolder>) {
        self.lastValue = lastValue
        self.holders = holders
    }
}

/// What a claim brought.
package struct ClaimedRows: Hashable, Sendable {
    /// Locked by this claim, ascending.
    package var rows: RowBatch
    /// The sequence's last value, read after the rows; nil where the claim saw no row.
    package var lastValue: Int64?
    /// There was nothing more within the claim's bounds.
    package var reachedEnd: Bool
    /// The transaction is open and holds the rows' locks.
    package var isOpen: Bool
    /// It ends before a row that cannot be read.
    package var fault: RowFault?

    package init(rows: RowBatch, lastValue: Int64?, reachedEnd: Bool, isOpen: Bool, fault: RowFault? = nil) {
        self.rows = rows
        self.lastValue = lastValue
        self.reachedEnd = reachedEnd
        self.isOpen = isOpen
        self.fault = fault
    }
}

/// What a read of the tail brought.
package struct TailRows: Hashable, Sendable {
    /// Ascending.
    package var rows: RowBatch
    /// The sequence's last value, read no earlier than the rows; nil where there is no row.
    package var lastValue: Int64?
    /// There was nothing more up to the place asked for.
    package var reachedEnd: Bool
    /// Of the transactions asked about, those that were visible before the rows were looked for.
    package var visible: [UInt32]
    /// Of a snapshot taken before the rows were looked for, where they were asked for.
    package var edges: SnapshotEdges?
    /// It ends before a row that cannot be read.
    package var fault: RowFault?

    package init(
        rows: RowBatch, lastValue: Int64?, reachedEnd: Bool, visible: [UInt32] = [], edges: SnapshotEdges? = nil,
        fault: RowFault? = nil
    ) {
        self.rows = rows
        self.lastValue = lastValue
        self.reachedEnd = reachedEnd
        self.visible = visible
        self.edges = edges
        self.fault = fault
    }
}

/// Ids of closed gaps that stand in a leaf after all.
package struct RowsInGaps: Hashable, Sendable {
    package var unpublished: [Int64]
    package var published: [Int64]

    package init(unpublished: [Int64] = [], published: [Int64] = []) {
        self.unpublished = unpublished
        self.published = published
    }
}

/// The sinks as a settlement left them, and what of the owed rows it changed.
package struct SettledState: Hashable, Sendable {
    package var sinks: [SinkRegistration]
    /// Entries that are there no more.
    package var removed: [OwedEntry]
    /// Entries that this settlement made, or whose row was delivered and could not move.
    package var entered: [OwedEntry]
    /// A row that was to move and is locked by somebody else.
    package var lockedRow: Int64?
    /// Rows that were to move and could not, for what they hold or for a trigger: they count as delivered.
    package var unmoved: [RowFault]
    /// Events that could not be parked: their lanes block at them.
    package var unparked: [UnparkedEvent]
    /// Rows that were delivered and are not there any more: somebody deleted them.
    package var gone: [Int64]

    package init(
        sinks: [SinkRegistration], removed: [OwedEntry] = [], entered: [OwedEntry] = [], lockedRow: Int64? = nil,
        unmoved: [RowFault] = [], unparked: [UnparkedEvent] = [], gone: [Int64] = []
    ) {
        self.sinks = sinks
        self.removed = removed
        self.entered = entered
        self.lockedRow = lockedRow
        self.unmoved = unmoved
        self.unparked = unparked
        self.gone = gone
    }
}

/// What a sweep left and saw.
package struct SweptState: Hashable, Sendable {
    package var sinks: [SinkRegistration]
    /// Per sink, what is owed to it, as far as ``OwedPortion`` takes it; nil where nobody asked and nothing of it changed.
    package var owed: [String: OwedPortion]?
    package var entered: [OwedEntry]
    /// The lowest unpublished rows above the tail, ascending, bounded.
    package var aboveTail: [Int64]
    /// How far it has looked for late rows; nil: to the end.
    package var sweptThrough: Int64?
    /// Of the transactions of ``SweepRequest/announced``, those that were visible before it looked.
    package var visible: [UInt32]
    /// Per sink: parked events that somebody wants tried again, ascending, bounded.
    package var parkedToRetry: [String: [Int64]]
    /// Per sink: events that somebody wants parked and that this tenure has not been told of.
    package var parkRequests: [String: [Int64]]
    /// As in ``OpenedSessions``; nil where nothing of it changed.
    package var parkedKeys: [String: [EventKey: Int64]]?

    package init(
        sinks: [SinkRegistration], owed: [String: OwedPortion]?, entered: [OwedEntry] = [], aboveTail: [Int64] = [],
        sweptThrough: Int64? = nil, visible: [UInt32] = [], parkedToRetry: [String: [Int64]] = [:],
        parkRequests: [String: [Int64]] = [:], parkedKeys: [String: [EventKey: Int64]]? = nil
    ) {
        self.sinks = sinks
        self.owed = owed
        self.entered = entered
        self.aboveTail = aboveTail
        self.sweptThrough = sweptThrough
        self.visible = visible
        self.parkedToRetry = parkedToRetry
        self.parkRequests = parkRequests
        self.parkedKeys = parkedKeys
    }
}
