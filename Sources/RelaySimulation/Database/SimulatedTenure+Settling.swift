import RelayCore

extension SimulatedTenure {
    /// A settling transaction: reads the facts statement by statement, decides, writes.
    func settle(
        _ lanes: [LaneProgress], inClaim: Bool
    ) async throws -> (state: SettledState, unmovable: [UnmovableRow]) {
        let (epoch, number) = (epoch, work.process.number)
        return try await onWork { server, backend in
            try server.checkEpoch(epoch)
            let stored = server.tables
            await server.think()
            try backend.check()
            var facts = SettlementFacts(
                sinks: stored.sinks, absent: stored.absent.touching(Settlement.span(of: lanes, stored.sinks)),
                late: stored.late, places: [:])
            facts.places = try await server.places(lanes, stored, backend)
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
                    + " and publishes \(writes.published)"
                    + (server.tables.parked.isEmpty ? "" : "; parked: \(server.tables.parkedSummary)"))
            let after = writes.applied(to: facts)
            return (
                SettledState(
                    sinks: after.sinks, late: after.late, lockedRow: writes.lockedRow, entered: writes.lateEntered), []
            )
        }
    }

    /// - Throws: ``TimeTravel`` where the database went back.
    func sweep(tail: Int64, memory: ProcessMemory, parkedKeys: Bool) async throws -> SweptState {
        let epoch = epoch
        return try await onWork { server, backend in
            try server.checkEpoch(epoch)
            let stored = server.tables
            await server.think()
            try backend.check()
            let low = stored.sinks.cursorSpan.low
            let found = server.tables.unpublished.rows.map(\.id).filter { id in
                (id <= low || stored.absent.contains(id)) && !stored.late.contains { $0.id == id }
            }
            let above = Array(server.tables.unpublished.above(tail).map(\.id).prefix(100))
            if !found.isEmpty {
                var cursors: [String: LeaderBeat.StoredCursor] = [:]
                for sink in stored.sinks {
                    cursors[sink.name] = LeaderBeat.StoredCursor(generation: sink.generation, cursor: sink.cursor)
                }
                if let travel = memory.judge(lastValue: server.sequence.last, sinks: cursors) { throw travel }
            }
            let met = stored.absent.touching(IDRanges(found.map { IDRange($0, $0) }))
            let writes = SweepWrites(SweepFacts(sinks: stored.sinks, absent: met, late: stored.late, found: found))
            let retries = server.tables.parkedRetries
            let keys = parkedKeys ? server.tables.parkedKeys(of: server.plan.parkingByKey) : nil
            if !writes.isEmpty {
                server.trace("a sweep enters \(writes.lateEntered.map { "\($0.id) for \($0.sink)" })")
                let change = Change { tables in
                    tables.enter(writes.lateEntered)
                    if let absent = writes.absent { tables.absent = tables.absent.subtracting(met).union(absent) }
                }
                try await server.commit(change, in: backend.incarnation) { !backend.isAlive }
                try backend.check()
            }
            return SweptState(
                sinks: stored.sinks, late: stored.late + writes.lateEntered, entered: writes.lateEntered,
                aboveTail: above, retries: retries, parkedKeys: keys)
        }
    }

    func fixStarts(settledThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration] {
        let epoch = epoch
        return try await onWork { server, backend in
            try server.checkEpoch(epoch)
            let tables = server.tables
            let facts = StartFacts(tables, settledThrough: settledThrough, firstScanIsOver: firstScanIsOver)
            for sink in tables.sinks {
                guard let start = FixedStart(of: sink, facts) else { continue }
                var others = tables.sinks.filter { $0.name != sink.name }.cursorSpan.low
                if tables.sinks.count == 1 { others = start.cursor }
                let present = (tables.unpublished.ids + tables.published.ids).sorted()
                let missing = IDRanges.absent(
                    above: min(start.cursor, others), through: start.cursor, present: present)
                let ranges = start.ranges(of: sink.name, facts, missing: missing)
                let change = Change { tables in
                    for index in tables.sinks.indices where tables.sinks[index].name == sink.name {
                        tables.sinks[index].start = nil
                        tables.sinks[index].cursor = start.cursor
                        tables.sinks[index].passThrough = start.passThrough
                        tables.sinks[index].isEarned = false
                    }
                    tables.absent = ranges
                }
                try await server.commit(change, in: backend.incarnation) { !backend.isAlive }
                try backend.check()
                break
            }
            return server.tables.sinks
        }
    }
}

extension StartFacts {
    fileprivate init(_ tables: ServerTables, settledThrough: Int64, firstScanIsOver: Bool) {
        let oldest = tables.unpublished.lowest
        self.init(
            sinks: tables.sinks, absent: tables.absent, settledThrough: settledThrough,
            firstScanIsOver: firstScanIsOver, oldestUnpublished: oldest,
            rowBelowOldest: oldest.flatMap { tables.highestRow(through: $0 - 1) },
            highestSettledRow: tables.highestRow(through: settledThrough),
            lowestRow: [tables.unpublished.lowest, tables.published.lowest].compactMap(\.self).min(), sequenceStart: 1)
    }
}

extension SimulatedServer {
    /// Every write of a leader is bound to its epoch.
    fileprivate func checkEpoch(_ epoch: Int64) throws {
        guard tables.leader.epoch == epoch else { throw ServerFailure.deposed }
    }

    /// Where the rows stand that are done, locked as far as nobody else has them, and those that turned up where a lane
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
            ids.formUnion(lane.lateDone)
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
