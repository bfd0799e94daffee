import RelayCore

extension SimulatedSessions {
    /// A settling transaction: reads the facts statement by statement, decides, writes.
    ///
    /// - Throws: ``TimeTravel`` where a delivered row is gone in a way that no deletion explains; nothing is written.
    func settle(_ lanes: [LaneProgress], inClaim: Bool) async throws -> SettledState {
        let (epoch, number, history) = (epoch, worker.process.number, history)
        return try await onWorkWithSinks { server, backend in
            try server.checkEpoch(epoch)
            let stored = server.tables
            await server.think()
            try backend.check()
            var lanes = lanes
            var facts = SettlementFacts(
                sinks: stored.sinks, absent: stored.absent.touching(Settlement.span(of: lanes, stored.sinks)),
                owed: stored.owed, places: [:])
            facts.places = try await server.places(lanes, stored, backend)
            let missing = lanes.flatMap(\.done).filter { facts.places[$0] == nil }
            if !missing.isEmpty {
                let rows = missing.map { MissingRow(id: $0, isCommitted: true) }
                if let travel = server.judge(rows, known: history) { throw travel }
            }
            if server.plan.mutant == .settlingStopsAtGone { lanes = lanes.map { $0.untilGone(facts) } }
            var decided = Settlement(facts: facts, lanes: lanes).decide()
            if server.plan.mutant == .rangesUnwritten { decided.absent = nil }
            let (writes, read) = (decided, facts)
            if !writes.isEmpty {
                let change = Change(published: writes.published) { $0.apply(writes, to: read) }
                try await server.commit(change, in: backend.incarnation) { !backend.isAlive }
            }
            server.unlockRows(of: backend)
            try backend.check()
            server.trace(
                "relay \(number): settles \(writes.cursors.map { "\($0.sink) through \($0.cursor)" })"
                    + " and publishes \(writes.published)" + (writes.gone.isEmpty ? "" : ", gone: \(writes.gone)")
                    + (server.tables.parked.isEmpty ? "" : "; parked: \(server.tables.parkedSummary)"))
            return writes.settled(from: facts)
        }
    }

    func fixStarts(closedThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration] {
        let epoch = epoch
        return try await onWorkWithSinks { server, backend in
            try server.checkEpoch(epoch)
            let tables = server.tables
            let facts = StartFacts(tables, closedThrough: closedThrough, firstScanIsOver: firstScanIsOver)
            for sink in tables.sinks {
                guard let start = FixedStart(of: sink, facts) else { continue }
                var others = tables.sinks.filter { $0.name != sink.name }.cursorSpan.low
                if tables.sinks.count == 1 { others = start.cursor }
                let present = (tables.unpublished.ids + tables.published.ids).sorted()
                let missing = IDRanges.absent(
                    above: min(start.cursor, others), through: start.cursor, present: present)
                let ranges = start.ranges(of: sink.name, facts, missing: missing)
                var change = Change { tables in
                    for index in tables.sinks.indices where tables.sinks[index].name == sink.name {
                        tables.sinks[index].start = nil
                        tables.sinks[index].cursor = start.cursor
                        tables.sinks[index].passThrough = start.passThrough
                        tables.sinks[index].isEarned = false
                    }
                    tables.absent = ranges
                }
                change.placement = SinkPlacement(
                    sink: sink.name, passed: .through(start.passThrough ?? start.cursor))
                try await server.commit(change, in: backend.incarnation) { !backend.isAlive }
                try backend.check()
                break
            }
            return server.tables.sinks
        }
    }
}

extension StartFacts {
    fileprivate init(_ tables: ServerTables, closedThrough: Int64, firstScanIsOver: Bool) {
        let oldest = tables.unpublished.lowest
        self.init(
            sinks: tables.sinks, absent: tables.absent, closedThrough: closedThrough,
            firstScanIsOver: firstScanIsOver, oldestUnpublished: oldest,
            rowBelowOldest: oldest.flatMap { tables.highestRow(through: $0 - 1) },
            highestClosedRow: tables.highestRow(through: closedThrough),
            lowestRow: [tables.unpublished.lowest, tables.published.lowest].compactMap(\.self).min(), sequenceStart: 1)
    }
}

extension SimulatedServer {
    /// Every write of a leader is bound to its epoch.
    func checkEpoch(_ epoch: Int64) throws {
        guard tables.leader.epoch == epoch else { throw ServerFailure.deposed }
    }

    /// Where the rows are that are done, locked as far as nobody else has them, and those that turned up where a lane
    /// saw nothing.
    fileprivate func places(
        _ lanes: [LaneProgress], _ stored: ServerTables, _ backend: Backend
    ) async throws -> [Int64: RowPlace] {
        var ids = Set<Int64>()
        var holes = IDRanges()
        for lane in lanes {
            guard let sink = stored.sinks.first(where: { $0.name == lane.sink && $0.generation == lane.generation })
            else { continue }
            ids.formUnion(lane.done)
            ids.formUnion(lane.owedDone)
            guard let last = lane.done.last, plan.mutant != .passedUnseen else { continue }
            holes = holes.union(IDRanges.absent(above: sink.cursor, through: last, present: lane.done))
        }
        var places: [Int64: RowPlace] = [:]
        for id in ids.sorted() {
            if tables.published[id] != nil {
                places[id] = .published
            } else if tables.unpublished[id] != nil {
                let isFree = rowLocks[id].map { $0 == backend.pid } ?? true
                places[id] = isFree ? .unpublished : .locked
                if isFree { rowLocks[id] = backend.pid }
            }
        }
        guard !holes.isEmpty else { return places }
        await think()
        try backend.check()
        for id in tables.unpublished.ids(in: holes) where places[id] == nil { places[id] = .locked }
        for id in tables.published.ids(in: holes) where places[id] == nil { places[id] = .published }
        return places
    }
}

extension LaneProgress {
    /// The mutant's: what is done ends below the first row that is gone.
    fileprivate func untilGone(_ facts: SettlementFacts) -> LaneProgress {
        var lane = self
        lane.done = Array(done.prefix { facts.places[$0] != nil })
        return lane
    }
}
