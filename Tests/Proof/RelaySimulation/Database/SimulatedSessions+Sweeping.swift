import RelayCore

extension SimulatedSessions {
    /// One bounded look for rows that turned up where cursors have passed.
    ///
    /// - Throws: ``TimeTravel`` where the database went back.
    func sweep(_ request: SweepRequest, known: KnownProgress) async throws -> SweptState {
        let epoch = epoch
        return try await onWorkWithSinks { server, backend in
            try server.checkEpoch(epoch)
            let stored = server.tables
            let visible = server.visible(request.announced.map(\.transaction))
            await server.think()
            try backend.check()
            let portion = SweepPortion(request, stored, server.tables, size: server.plan.sweepPortion)
            let owed = Set(stored.owed.map(\.id))
            if portion.found.contains(where: { !owed.contains($0) }),
                let travel = known.timeTravel(lastValue: server.sequence.last, sinks: stored.storedCursors)
            {
                throw travel
            }
            let met = stored.absent.touching(IDRanges(ascending: portion.found))
            let writes = SweepWrites(
                SweepFacts(sinks: stored.sinks, absent: met, owed: stored.owed, found: portion.found))
            let gone = server.goneEntries(above: request.above)
            if !writes.isEmpty || !gone.isEmpty {
                server.trace(
                    "a sweep enters \(writes.owedEntered.map { "\($0.id) for \($0.sink)" })"
                        + (gone.isEmpty ? "" : ", and forgets \(gone)"))
                let change = Change { tables in
                    tables.enter(writes.owedEntered)
                    if let absent = writes.absent { tables.absent = tables.absent.subtracting(met).union(absent) }
                    tables.owed.removeAll { gone.contains($0.id) }
                }
                try await server.commit(change, in: backend.incarnation) { !backend.isAlive }
                try backend.check()
            }
            let now = server.tables
            let readsOwed = request.owed || !writes.owedEntered.isEmpty || !gone.isEmpty
            return SweptState(
                sinks: stored.sinks, owed: readsOwed ? now.owedPortions : nil, entered: writes.owedEntered,
                aboveTail: Array(now.unpublished.above(request.tail).map(\.id).prefix(100)),
                sweptThrough: portion.sweptThrough, visible: visible, parkedToRetry: now.parkedToRetry,
                parkedKeys: request.parkedKeys ? now.parkedKeys(of: server.plan.parkingByKey) : nil)
        }
    }
}

extension SimulatedServer {
    /// Owed rows that are in neither leaf.
    fileprivate func goneEntries(above: Int64?) -> Set<Int64> {
        let owed = tables.owed.map(\.id).filter { id in above.map { id > $0 } ?? true }
        return Set(owed.prefix(plan.sweepPortion).filter { tables.row($0) == nil })
    }
}

extension ServerTables {
    fileprivate var storedCursors: [String: LeaderBeat.StoredCursor] {
        var cursors: [String: LeaderBeat.StoredCursor] = [:]
        for sink in sinks {
            cursors[sink.name] = LeaderBeat.StoredCursor(generation: sink.generation, cursor: sink.cursor)
        }
        return cursors
    }
}

/// One bounded look, as the SQL of a sweep makes it: what was announced, what is at or below the lowest cursor, and
/// what is in the ranges above.
private struct SweepPortion {
    var found: [Int64]
    /// Nil: to the end.
    var sweptThrough: Int64?

    init(_ request: SweepRequest, _ stored: ServerTables, _ now: ServerTables, size: Int) {
        let low = stored.sinks.cursorSpan.low
        let announced = request.announced.reduce(IDRanges()) { $0.union($1.ids) }
        var found = Set(now.unpublished.ids(in: announced).prefix(size))
        let below = now.unpublished.ids.filter { id in id <= low && request.above.map { id > $0 } ?? true }.prefix(size)
        found.formUnion(below)
        guard below.count < size else {
            (self.found, sweptThrough) = (found.sorted(), below.last)
            return
        }
        let start = max(request.above ?? low, low)
        var rows: [(first: Int64, id: Int64?)] = []
        for range in stored.absent.ranges.filter({ $0.first > start }).prefix(size) {
            let ids = now.unpublished.ids(in: IDRanges([range])).prefix(size)
            rows += ids.isEmpty ? [(range.first, nil)] : ids.map { (range.first, $0) }
        }
        rows = Array(rows.prefix(size))
        found.formUnion(rows.compactMap(\.id))
        self.found = found.sorted()
        sweptThrough = rows.count < size ? nil : rows.last.map { $0.id ?? $0.first }
    }
}
