/// What one lane brings to a settlement.
package struct LaneProgress: Hashable, Sendable {
    package var sink: String
    package var generation: Int64
    /// Ids above the stored cursor that the lane is done with, ascending; nothing between them is left to be done.
    package var done: [Int64]
    /// The last of `done` was passed, not delivered, so that the cursor would not be earned.
    package var endsPassed: Bool
    /// Owed rows that were delivered out of turn, ascending.
    package var owedDone: [Int64]
    /// Which of `done` and `owedDone` were parked, and why, ascending.
    package var parked: [Parking]
    /// Parked events that were tried again.
    package var parkedOutcomes: [ParkedOutcome]
    /// Of a removed sink: above its cursor and up to here no row stands.
    package var passedThrough: Int64

    package init(
        sink: String, generation: Int64, done: [Int64], endsPassed: Bool = false, owedDone: [Int64] = [],
        parked: [Parking] = [], parkedOutcomes: [ParkedOutcome] = [], passedThrough: Int64 = .min
    ) {
        self.sink = sink
        self.generation = generation
        self.done = done
        self.endsPassed = endsPassed
        self.owedDone = owedDone
        self.parked = parked
        self.parkedOutcomes = parkedOutcomes
        self.passedThrough = passedThrough
    }
}

/// Where a row stands for the settling transaction.
package enum RowPlace: Hashable, Sendable {
    /// In the unpublished leaf, and this transaction holds its lock.
    case unpublished
    /// In the unpublished leaf, but somebody else has it locked.
    case locked
    case published
}

/// Everything a settlement reads, in the transaction that writes it.
package struct SettlementFacts: Hashable, Sendable {
    package var sinks: [SinkRegistration]
    /// The ranges that meet ``Settlement/span(of:_:)``.
    package var absent: IDRanges
    /// The entries whose ids lie in ``Settlement/span(of:_:)``.
    package var owed: [OwedEntry]
    /// Sinks that are being removed and are owed more than `owed` tells.
    package var stillOwed: Set<String>
    /// Every id that is done somewhere, or was passed as absent by a lane whose cursor moves, and is visible in a leaf.
    /// One that is done and stands in none was deleted by somebody: the caller has checked that nothing went back.
    package var places: [Int64: RowPlace]

    package init(
        sinks: [SinkRegistration], absent: IDRanges, owed: [OwedEntry], stillOwed: Set<String> = [],
        places: [Int64: RowPlace]
    ) {
        self.sinks = sinks
        self.absent = absent
        self.owed = owed
        self.stillOwed = stillOwed
        self.places = places
    }
}

/// The ids between the lowest cursor and the highest.
package struct AbsentSpan: Hashable, Sendable {
    package var low: Int64
    package var high: Int64

    package init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}

/// What a settlement writes.
package struct SettlementWrites: Hashable, Sendable {
    package struct Cursor: Hashable, Sendable {
        package var sink: String
        package var generation: Int64
        package var cursor: Int64
        package var isEarned: Bool
        /// The lane has passed what it was to pass, and delivers from here on.
        package var endsPassing: Bool
    }

    package var cursors: [Cursor] = []
    /// Rows to move to the published leaf, ascending.
    package var published: [Int64] = []
    package var owedEntered: [OwedEntry] = []
    package var owedRemoved: [OwedEntry] = []
    /// Entries whose row was delivered and could not move.
    package var owedKept: [OwedEntry] = []
    /// What is to stand in the place of the ranges that were read; nil where nothing changes.
    package var absent: IDRanges?
    /// With a sink that ends, no range stands any more but above `low` and up to `high`.
    package var absentSpan: AbsentSpan?
    /// Removed sinks that have passed everything.
    package var ended: [String] = []
    /// Per sink, events to park, with a copy of their rows; in the transaction that counts them as done.
    package var parked: [String: [Parking]] = [:]
    /// Per sink, what became of parked events that were tried again.
    package var parkedOutcomes: [String: [ParkedOutcome]] = [:]
    /// The lowest row that was to move and is locked by somebody else.
    package var lockedRow: Int64?
    /// Rows that cursors pass and that are not there any more, ascending.
    package var gone: [Int64] = []

    package var isEmpty: Bool {
        cursors.isEmpty && published.isEmpty && owedEntered.isEmpty && owedRemoved.isEmpty && owedKept.isEmpty
            && absent == nil && ended.isEmpty && parked.isEmpty && parkedOutcomes.isEmpty
    }
}
