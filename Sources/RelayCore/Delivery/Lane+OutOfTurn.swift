/// What a lane sends out of turn: rows that it is owed, and parked events that somebody wants tried again.
extension Lane {
    /// What is to be read for it now, out of turn.
    enum ReadOutOfTurn: Hashable, Sendable {
        case owed([Int64])
        case parked([Int64])
        /// Nothing: owed rows were passed, and wait for a settlement.
        case none
    }

    /// The next read out of turn, which is under way then; nil: a read in turn may be made.
    ///
    /// - Parameter rows: how many a read brings at most.
    mutating func nextReadOutOfTurn(window: Int, rows: Int, at now: Int64) -> ReadOutOfTurn? {
        let room = min(roomOutOfTurn(window), rows)
        if let owed = nextOwed(room, at: now) { return owed }
        guard isConfigured, !registration.isRemoving, !parkedToRetry.isEmpty, parkedOutcomes.isEmpty,
            mayGoOutOfTurn(at: now),
            room > 0, now >= nextParkedRead
        else { return nil }
        let asked = Array(parkedToRetry.prefix(room))
        awaitedParked = asked
        return .parked(asked)
    }

    private mutating func nextOwed(_ room: Int, at now: Int64) -> ReadOutOfTurn? {
        guard inFlight == nil, awaitedOwed == nil else { return nil }
        guard !owed.waiting.isEmpty else {
            // What failed may have been deleted, or is asked for no longer.
            if parkedToRetry.isEmpty { outOfTurn = nil }
            return nil
        }
        if let end = passesThrough {
            let passed = owed.waiting.filter { $0 <= end }
            for id in passed { owed.finish(id) }
            if !passed.isEmpty { return ReadOutOfTurn.none }
        }
        guard isConfigured, mayGoOutOfTurn(at: now), room > 0, now >= nextOwedRead else { return nil }
        // What the lane is to have in turn first: rows in its queue are above the cursor, owed ones are not.
        let asked = Array(owed.waiting.sorted().prefix(room))
        awaitedOwed = asked
        return .owed(asked)
    }

    private func mayGoOutOfTurn(at now: Int64) -> Bool {
        inFlight == nil && awaitedOwed == nil && awaitedParked == nil && mayTry(at: now)
            && now >= outOfTurn?.until ?? now
    }

    /// Some of the owed rows that were asked for have come.
    ///
    /// - Parameters:
    ///   - reachedEnd: all of them have, as far as they are there; else what found no room comes with the next read.
    ///   - unreadable: stand in the table and cannot be read; not asked for again before `next`.
    /// - Returns: what is to be sent of them, and those that were not known to be unreadable.
    mutating func takeOwed(
        _ batch: RowBatch, _ reachedEnd: Bool, unreadable: [RowFault], next: Int64
    ) -> (slices: [RowSlice], news: [RowFault]) {
        guard let asked = awaitedOwed else { return ([], []) }
        awaitedOwed = nil
        if !unreadable.isEmpty { nextOwedRead = next }
        let news = unreadable.filter { !owedFaults.contains($0.id) }
        owedFaults = Set(unreadable.map(\.id))
        // What is not there any more was deleted, and is not owed.
        let through = reachedEnd ? asked.last : batch.ids.last
        let came = Set(batch.ids).union(unreadable.map(\.id))
        for id in asked where owed.waiting.contains(id) && !came.contains(id) {
            if let through, id <= through { owed.finish(id) }
        }
        let wanted = Set(asked)
        let rows = batch.ids.indices.filter { wanted.contains(batch.ids[$0]) && owed.waiting.contains(batch.ids[$0]) }
        guard inFlight == nil else { return ([], news) }
        return (rows.map { RowSlice(batch, $0..<($0 + 1)) }, news)
    }

    /// The parked events that were asked for have come, as far as they are there.
    ///
    /// - Returns: the delivery; nil: nothing is to be sent.
    mutating func takeParked(_ batch: RowBatch, isStopping: Bool) -> LaneDelivery? {
        guard let asked = awaitedParked else { return nil }
        awaitedParked = nil
        // Of an older registration where nothing is asked for any more.
        let isCurrent = !asked.isEmpty && asked.first == parkedToRetry.first
        parkedToRetry = []
        guard isCurrent, !batch.ids.isEmpty, inFlight == nil, !isStopping else { return nil }
        let slices = [RowSlice(batch, 0..<batch.ids.count)]
        begin(InFlight(slices: slices, turn: .parked))
        return LaneDelivery(flight: 0, slices: slices)
    }

    /// A read for the lane has failed, and is made again. The others are under way still: if they were asked for anew,
    /// the answer to the earlier question would pass for that to the later, and what it does not hold for gone.
    mutating func readFailed(_ read: LaneRead, next: Int64) {
        switch read {
        case .rows:
            awaitedRows = nil
            if place == .meeting { place = .reading }
            nextRead = next
        case .owed:
            awaitedOwed = nil
            nextOwedRead = next
        case .parked:
            awaitedParked = nil
            nextParkedRead = next
        }
    }
}
