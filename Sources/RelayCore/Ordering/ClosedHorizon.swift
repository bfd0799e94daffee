/// Who holds the sequence: a top-level transaction that has drawn ids, or is about to.
///
/// Named by `virtualtransaction` in `pg_locks`, not by pid: a prepared transaction has none.
package struct SequenceHolder: Hashable, Sendable {
    package var virtualTransaction: String
    /// The backend, or nil for a prepared transaction.
    package var pid: Int32?

    package init(virtualTransaction: String, pid: Int32?) {
        self.virtualTransaction = virtualTransaction
        self.pid = pid
    }
}

/// Up to which id everything is closed: visible to a new snapshot, or never going to appear.
///
/// `nextval` takes a lock on the sequence before it reads the value and keeps it to the end of the top-level
/// transaction, whose effects are visible before its locks go. So with `H`, the sequence's last value, read first and
/// the holders of that lock listed after it, everything at or below `H` is closed once those holders are gone. A
/// holder that is new in a scan can only have drawn above the `H` of the scan before: that is its floor.
///
/// The floors, and the horizon itself, belong to one leader session. A new session begins anew, because a server
/// restart may let ids be drawn again and gives prepared transactions other names.
package struct ClosedHorizon: Hashable, Sendable {
    /// Every id at or below is closed.
    package private(set) var closedThrough: Int64 = 0
    /// The last value of the last scan whose list of holders came back too; nil before the first.
    private var previousLastValue: Int64?
    /// For each live holder, an id below everything that it may have drawn, or at it.
    private var floors: [SequenceHolder: Int64] = [:]
    /// Holders of this session's first scan that still live. What they have drawn is bounded by nothing but a
    /// stored, earned cursor.
    private var firstScanHolders: Set<SequenceHolder> = []

    private let rules: RelayRules

    package init(rules: RelayRules = .sound) {
        self.rules = rules
    }

    /// Whether this session's first scan came back.
    package var hasScanned: Bool { previousLastValue != nil }

    /// Whether everyone who held the sequence at this session's first scan is gone.
    package var firstScanIsOver: Bool { hasScanned && firstScanHolders.isEmpty }

    /// A new leader session begins: nothing is known but what is stored and was earned by delivery.
    ///
    /// - Parameter earnedCursor: the highest stored cursor that was reached by delivery; 0 if there is none.
    package mutating func begin(earnedCursor: Int64) {
        if rules.horizonEndsWithSession { self = ClosedHorizon(rules: rules) }
        closedThrough = max(closedThrough, earnedCursor)
    }

    /// A scan came back.
    ///
    /// - Parameters:
    ///   - lastValue: the sequence's last value, read in a statement before the one that listed `holders`.
    ///   - holders: every holder of RowExclusiveLock on the sequence.
    package mutating func scanned(lastValue: Int64, holders: Set<SequenceHolder>) {
        let isFirst = previousLastValue == nil
        var reach = lastValue
        var standing: [SequenceHolder: Int64] = [:]
        for holder in holders {
            let floor = floors[holder] ?? floorOfNewcomer(holder, lastValue)
            standing[holder] = floor
            reach = min(reach, floor)
        }
        firstScanHolders = isFirst ? holders : firstScanHolders.intersection(holders)
        floors = standing
        previousLastValue = lastValue
        closedThrough = max(closedThrough, reach)
    }

    /// Ids directly above the horizon that were seen as rows: with CACHE 1 and INCREMENT 1 each closes itself, since
    /// whoever drew a lower id is at or below the horizon already.
    package mutating func sawContiguous(through id: Int64) {
        closedThrough = max(closedThrough, id)
    }

    /// The live holder that bounds the horizon, and its floor: whom the order waits for.
    package var lowestHolder: (holder: SequenceHolder, floor: Int64)? {
        floors.min { ($0.value, $0.key.virtualTransaction) < ($1.value, $1.key.virtualTransaction) }
            .map { (holder: $0.key, floor: $0.value) }
    }

    private func floorOfNewcomer(_ holder: SequenceHolder, _ lastValue: Int64) -> Int64 {
        // Before the first scan there is no earlier last value; and some servers give a transaction a new identity at
        // PREPARE, so that a newcomer without a pid may have drawn long ago. Both stand on what is closed already.
        guard let previousLastValue, holder.pid != nil else { return closedThrough }
        return rules.floorIsPreviousScan ? previousLastValue : lastValue
    }
}
