/// What the relay is to do next. Each is answered by an input, except where it says otherwise.
package enum RelayEffect: Hashable, Sendable {
    // On the leader session.
    case scan

    // On the work session, one at a time.
    case claim(ClaimRequest)
    /// Which ids of these gaps stand in a leaf, by a new statement (in the open claim where there is one).
    case recheckGaps(IDRanges)
    case settle([LaneProgress], inClaim: Bool)
    /// Ends an open claim that has nothing to settle. Not answered.
    case endClaim
    case sweep(SweepRequest)
    case fixStarts(closedThrough: Int64, firstScanIsOver: Bool)

    // On the reading sessions.
    /// WAL mode: the tail's next rows.
    case readTail(TailRequest)
    case read(ReadRequest)
    case readOwed(sink: String, ids: [Int64])
    case readParked(sink: String, ids: [Int64])

    case openStream

    // Sinks.
    case openSink(String)
    /// `flight` numbers the deliveries of a sink that are under way at once.
    case deliver(sink: String, flight: Int, [RowSlice])
    /// End the deliveries of the sink that are under way promptly.
    case cancelDelivery(sink: String)

    /// Nothing refers to the batch any more. Not answered.
    case release(BatchToken)
    /// To be told to an operator. Not answered.
    case note(RelayNote)
    /// Everything that was asked for is done: end. Not answered.
    case finished(RelayEnd)
}

package enum RelayEnd: Hashable, Sendable {
    case drained, stopped
    case sinkClosed(String)
}

/// A claim: lock the lowest unpublished rows above the tail.
package struct ClaimRequest: Hashable, Sendable {
    package var after: Int64
    /// While a gap is open: only rows below the one that waits.
    package var below: Int64?
    package var rows: Int
    package var bytes: Int
    /// Look first, without a transaction, whether there is a row at all.
    package var probesFirst: Bool
}

/// A read of both leaves for a lane that is off the tail: the lowest rows above `after`, at or below `through`.
package struct ReadRequest: Hashable, Sendable {
    package var sink: String
    package var after: Int64
    package var through: Int64
    package var rows: Int
    package var bytes: Int
    /// The rows are passed, not delivered.
    package var idsOnly: Bool

    package init(sink: String, after: Int64, through: Int64, rows: Int, bytes: Int, idsOnly: Bool) {
        self.sink = sink
        self.after = after
        self.through = through
        self.rows = rows
        self.bytes = bytes
        self.idsOnly = idsOnly
    }
}

/// A read of the tail, without locks.
package struct TailRequest: Hashable, Sendable {
    package var rows: ReadRequest
    /// Whether these are visible is asked before the rows are looked for.
    package var transactions: [UInt32]
    /// The edges of a snapshot are asked for before the rows are looked for.
    package var wantsEdges: Bool
}

/// A bounded look at what may have turned up where cursors have passed.
package struct SweepRequest: Hashable, Sendable {
    package var tail: Int64
    /// Late rows are looked for above this; nil: from the bottom.
    package var above: Int64?
    /// What the stream has announced at or below the tail: looked for by id.
    package var announced: [Announcement]
    /// What is owed is to be read, though the sweep changes nothing of it.
    package var owed: Bool
    /// The keys that are parked are to be read again.
    package var parkedKeys: Bool

    package init(
        tail: Int64, above: Int64? = nil, announced: [Announcement] = [], owed: Bool = false, parkedKeys: Bool = false
    ) {
        self.tail = tail
        self.above = above
        self.announced = announced
        self.owed = owed
        self.parkedKeys = parkedKeys
    }
}
