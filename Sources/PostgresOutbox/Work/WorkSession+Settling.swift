import Libpq
import RelayCore

extension WorkSession {
    /// Writes what the lanes are done with: cursors forward, rows that every sink has to the published leaf.
    ///
    /// - Parameter inClaim: in the open claim's transaction, which it ends.
    /// - Throws: ``TimeTravel`` where a delivered row is gone in a way that no deletion explains; nothing is written.
    package func settle(_ lanes: [LaneProgress], inClaim: Bool) async throws -> SettledState {
        let lanes = StorableText(connection)(lanes)
        do {
            return try await endingClaim { try await settle(lanes, continues: inClaim && claimIsOpen) }
        } catch  where RowNarrowing.mayBeRows(error) && !(error is TimeTravel) && !(error is Deposed) {
            // A rule that does more than an update (DO ALSO) may not be part of a larger statement.
            if let error = error as? PostgresError, error.sqlState == "0A000", error.routine == "RewriteQuery" {
                movesWithCommit = false
            }
            // One bad row must not stop the others: once more, narrowed down to it.
            return try await endingClaim { try await settleNarrowing(lanes) }
        }
    }

    private func settle(_ lanes: [LaneProgress], continues: Bool) async throws -> SettledState {
        let (facts, absent) = try await facts(lanes, continues: continues)
        let writes = Settlement(facts: facts, lanes: lanes).decide()
        var statements: [Statement] = []
        if !writes.published.isEmpty, !movesWithCommit {
            try await RowMoves(connection: connection, schema: schema).moveAll(writes.published)
        } else if !writes.published.isEmpty {
            statements.append(RowMoves.all(writes.published, in: schema))
        }
        statements += Self.statements(writes, absent)
        if !writes.parked.isEmpty {
            try await connection.run(statements + ParkedWrites.park(writes.parked, in: schema))
            statements = []
            for (sink, parkings) in writes.parked {
                let ids = parkings.map(\.id)
                if try await parked(ids, for: sink).count < ids.count { throw EventsWereSkipped() }
            }
        }
        try await connection.run(statements + [.commit])
        claimEnded()
        return writes.settled(from: facts)
    }

    // MARK: - Facts

    private func facts(
        _ lanes: [LaneProgress], continues: Bool
    ) async throws -> (facts: SettlementFacts, absent: AbsentRows) {
        let stored = try await StoredState.read(connection, epoch: epoch, begins: !continues)
        let span = Settlement.span(of: lanes, stored.sinks)
        let absent = try await AbsentRows.touching(span, in: stored, connection)
        let owed = try await OwedRows.facts(in: span, stored, connection)
        var facts = SettlementFacts(
            sinks: stored.sinks, absent: absent.ranges, owed: owed.entries, stillOwed: owed.stillOwed, places: [:])
        facts.places = try await places(lanes, stored)
        try await refuseMissing(lanes, facts)
        return (facts, absent)
    }

    /// Where the rows are that are done, and those that turned up where a lane saw nothing.
    private func places(_ lanes: [LaneProgress], _ stored: StoredState) async throws -> [Int64: RowPlace] {
        var places: [Int64: RowPlace] = [:]
        var unknown: Set<Int64> = []
        var skipped = IDRanges()
        for lane in lanes {
            guard let sink = stored.sinks.first(where: { $0.name == lane.sink && $0.generation == lane.generation })
            else { continue }
            places.reserveCapacity(lane.done.count)
            for id in lane.done + lane.owedDone {
                if claimed.contains(id) { places[id] = .unpublished } else { unknown.insert(id) }
            }
            if let last = lane.done.last {
                skipped = skipped.union(IDRanges.absent(above: sink.cursor, through: last, present: lane.done))
            }
        }
        if !unknown.isEmpty { try await lock(unknown.sorted(), &places) }
        if !skipped.isEmpty {
            let found = try await recheckGaps(skipped)
            for id in found.unpublished where places[id] == nil { places[id] = .locked }
            for id in found.published where places[id] == nil { places[id] = .published }
        }
        return places
    }

    private func lock(_ ids: [Int64], _ places: inout [Int64: RowPlace]) async throws {
        let locked = try await connection.query(
            """
            SELECT id FROM \(schema.table) WHERE published_at IS NULL AND id = ANY($1::bigint[]) ORDER BY id
            FOR UPDATE SKIP LOCKED
            """, [.int8Array(ids)], prepares: true)
        for row in locked.rows { if let id = row.int(0) { places[id] = .unpublished } }
        let rest = ids.filter { places[$0] == nil }
        guard !rest.isEmpty else { return }
        let seen = try await connection.query(
            """
            SELECT id, false FROM \(schema.unpublished) WHERE id = ANY($1::bigint[])
            UNION ALL SELECT id, true FROM \(schema.published) WHERE id = ANY($1::bigint[])
            """, [.int8Array(rest)], prepares: true)
        for row in seen.rows {
            if let id = row.int(0), let isPublished = row.bool(1) { places[id] = isPublished ? .published : .locked }
        }
    }

    /// A row that is done and is in neither leaf was deleted by somebody, or the database went back.
    ///
    /// The session lasts as long as the lead, and so does the server's run: whether its transaction is committed need not
    /// be asked.
    private func refuseMissing(_ lanes: [LaneProgress], _ facts: SettlementFacts) async throws {
        let missing = lanes.flatMap(\.done).filter { facts.places[$0] == nil }
        guard !missing.isEmpty else { return }
        let (now, lastValue) = try HistoryQuery.history(
            try await connection.query(HistoryQuery.text(schema)), schema)
        let rows = missing.map { MissingRow(id: $0, isCommitted: true) }
        if let travel = rows.timeTravel(since: history, now: now, lastValue: lastValue) { throw travel }
    }

    // MARK: - Writes

    /// Cursors, entries, ranges, and what became of parked events.
    private static func statements(_ writes: SettlementWrites, _ absent: AbsentRows) -> [Statement] {
        var statements = writes.cursors.map { cursor in
            Statement(
                """
                UPDATE outbox_sink SET delivered_through = $3, earned = $4,
                  pass_through = CASE WHEN $5 THEN NULL ELSE pass_through END
                WHERE name = $1 AND generation = $2 AND delivered_through <= $3
                """,
                [
                    .text(cursor.sink), .int(cursor.generation), .int(cursor.cursor), .bool(cursor.isEarned),
                    .bool(cursor.endsPassing),
                ], prepares: true)
        }
        statements += OwedRows.remove(writes.owedRemoved) + OwedRows.enter(writes.owedEntered)
        statements += OwedRows.keep(writes.owedKept)
        if let ranges = writes.absent { statements += absent.statements(for: ranges) }
        if let span = writes.absentSpan { statements.append(AbsentRows.trim(to: span)) }
        statements += ParkedWrites.outcomes(writes.parkedOutcomes)
        let endings: [SQLText] = [
            "DELETE FROM outbox_sink WHERE name = $1 AND removing", "DELETE FROM outbox_late WHERE sink = $1",
            "DELETE FROM outbox_sink_state WHERE sink = $1", "DELETE FROM outbox_parked_request WHERE sink = $1",
        ]
        for sink in writes.ended {
            statements += endings.map { Statement($0, [.text(sink)]) }
        }
        return statements
    }

    // MARK: - One row at fault

    /// Each part of a settlement on its own: what cannot be parked stops its lane, what cannot be moved counts as
    /// delivered, and all else is written.
    private func settleNarrowing(_ lanes: [LaneProgress]) async throws -> SettledState {
        let (facts, absent) = try await facts(lanes, continues: false)
        // Parked first: where that is not to be, no cursor may pass.
        let unparked = try await park(Settlement(facts: facts, lanes: lanes).decide().parked)
        var writes = Settlement(facts: facts, lanes: lanes, unparked: unparked).decide()
        let unmoved = try await RowMoves(connection: connection, schema: schema).move(writes.published)
        let stuck = Set(unmoved.map(\.id))
        writes.published.removeAll(where: stuck.contains)
        // Kept as delivered, so that no sweep takes such a row for one that nobody has.
        let staying = facts.sinks.filter { !writes.ended.contains($0.name) }
        writes.owedEntered += unmoved.flatMap { fault in
            staying.map { OwedEntry(sink: $0.name, id: fault.id, isDelivered: true) }
        }
        writes.owedRemoved.removeAll { stuck.contains($0.id) }
        try await connection.run(Self.statements(writes, absent) + [.commit])
        claimEnded()
        var state = writes.settled(from: facts, unparked: unparked)
        state.unmoved = unmoved
        return state
    }

    /// Parks what can be parked, in the transaction that is open.
    private func park(_ parked: [String: [Parking]]) async throws -> [UnparkedEvent] {
        var unparked: [UnparkedEvent] = []
        for (sink, parkings) in parked.sorted(by: { $0.key < $1.key }) {
            // Those behind others look at what is before them.
            for group in [parkings.filter { $0.behind == nil }, parkings.filter { $0.behind != nil }] {
                unparked += try await park(group, for: sink)
            }
        }
        return unparked
    }

    private func park(_ parkings: [Parking], for sink: String) async throws -> [UnparkedEvent] {
        let byID = Dictionary(parkings.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let ids = byID.keys.sorted()
        do {
            let found = try await RowNarrowing(of: ids) { part in
                try await connection.inSavepoint {
                    let parkings = part.compactMap { byID[$0] }
                    try await connection.run(ParkedWrites.park([sink: parkings], in: schema))
                    return try await self.parked(Array(part), for: sink)
                }
            }
            return found.failures.map { UnparkedEvent(sink: sink, id: $0.id, reason: $0.reason) }
                + found.skipped.map { UnparkedEvent(sink: sink, id: $0, reason: Self.skipped) }
        } catch  where RowNarrowing.mayBeRows(error) {
            // None of them can be parked; the other sinks go on regardless.
            let reason = (error as? PostgresError)?.message ?? String(describing: error)
            return ids.map { UnparkedEvent(sink: sink, id: $0, reason: reason) }
        }
    }

    /// Which of these events are parked: a trigger or a rule may have dropped some without an error.
    private func parked(_ ids: [Int64], for sink: String) async throws -> [Int64] {
        try await connection.query(
            "SELECT id FROM outbox_parked WHERE sink = $1 AND id = ANY($2::bigint[])", [.text(sink), .int8Array(ids)]
        ).rows.compactMap { $0.int(0) }
    }

    private static let skipped = "a trigger or rule on outbox_parked drops it without an error"
}

/// Fewer events were parked than were named, though nothing failed: a trigger or a rule keeps some.
private struct EventsWereSkipped: Error {}
