import Libpq
import RelayCore

/// A settlement's result, with the rows that could not be moved for what they hold.
package struct SettledRows: Sendable {
    package var state: SettledState
    /// Ids that the published leaf holds already, or whose move the server refuses for another reason of the row.
    package var unmovable: [UnmovableRow]
}

extension WorkSession {
    /// Writes what the lanes are done with: cursors forward, rows that every sink has to the published leaf.
    ///
    /// - Parameter inClaim: in the open claim's transaction, which it ends.
    package func settle(_ lanes: [LaneProgress], inClaim: Bool) async throws -> SettledRows {
        let continues = inClaim && claimIsOpen
        let lanes = StorableText(connection)(lanes)
        do {
            return try await settle(lanes, continues: continues)
        } catch let error as PostgresError where error.isAboutRows {
            // One bad row must not stop the others: once more, narrowed down by halving.
            claimEnded()
            try await connection.rollBack()
            return try await settleNarrowing(lanes)
        } catch {
            claimEnded()
            try await connection.rollBack()
            throw error
        }
    }

    private func settle(_ lanes: [LaneProgress], continues: Bool) async throws -> SettledRows {
        let (facts, absent, writes) = try await decide(lanes, continues: continues)
        let moved = writes.published.count
        let tables = writes.isEmpty ? [] : try await connection.execute(Self.statements(writes, absent))
        if moved > 0, let move = tables.first(where: { $0.commandTag.hasPrefix("UPDATE") }), move.affectedRows != moved
        {
            // Every row named is locked by this transaction, so this cannot be.
            throw PostgresError(.protocolViolation, "a settlement moved \(move.affectedRows) rows of \(moved)")
        }
        try await connection.execute("COMMIT")
        claimEnded()
        return result(facts, writes, unmovable: [])
    }

    private func decide(
        _ lanes: [LaneProgress], continues: Bool
    ) async throws -> (SettlementFacts, AbsentRows, SettlementWrites) {
        let stored = try await StoredState.read(connection, epoch: epoch, begins: !continues)
        let absent = try await AbsentRows.touching(Settlement.span(of: lanes, stored.sinks), in: stored, connection)
        var facts = SettlementFacts(sinks: stored.sinks, absent: absent.ranges, late: stored.late, places: [:])
        facts.places = try await places(lanes, stored)
        return (facts, absent, Settlement(facts: facts, lanes: lanes).decide())
    }

    /// Where the rows stand that are done, and those that turned up where a lane saw nothing.
    private func places(_ lanes: [LaneProgress], _ stored: StoredState) async throws -> [Int64: RowPlace] {
        var places: [Int64: RowPlace] = [:]
        var unknown: Set<Int64> = []
        var holes = IDRanges()
        for lane in lanes {
            guard let sink = stored.sinks.first(where: { $0.name == lane.sink && $0.generation == lane.generation })
            else { continue }
            places.reserveCapacity(lane.done.count)
            for id in lane.done + lane.lateDone {
                if claimed.contains(id) { places[id] = .unpublished } else { unknown.insert(id) }
            }
            if let last = lane.done.last {
                holes = holes.union(IDRanges.absent(above: sink.cursor, through: last, present: lane.done))
            }
        }
        if !unknown.isEmpty { try await lock(unknown.sorted(), &places) }
        if !holes.isEmpty {
            let found = try await look(holes)
            for id in found.unpublished where places[id] == nil { places[id] = .locked }
            for id in found.published where places[id] == nil { places[id] = .published }
        }
        return places
    }

    private func lock(_ ids: [Int64], _ places: inout [Int64: RowPlace]) async throws {
        let locked = try await connection.query(
            """
            SELECT id FROM outbox WHERE published_at IS NULL AND id = ANY($1::bigint[]) ORDER BY id
            FOR UPDATE SKIP LOCKED
            """, [.int8Array(ids)])
        for row in locked.rows { if let id = row.int(0) { places[id] = .unpublished } }
        let rest = ids.filter { places[$0] == nil }
        guard !rest.isEmpty else { return }
        let seen = try await connection.query(
            """
            SELECT id, false FROM outbox_unpublished WHERE id = ANY($1::bigint[])
            UNION ALL SELECT id, true FROM outbox_published WHERE id = ANY($1::bigint[])
            """, [.int8Array(rest)])
        for row in seen.rows {
            if let id = row.int(0), let isPublished = row.bool(1) { places[id] = isPublished ? .published : .locked }
        }
    }

    /// The rows first, so that their count is the first answer; then cursors, entries, ranges.
    private static func statements(_ writes: SettlementWrites, _ absent: AbsentRows) -> String {
        var sql = ""
        if !writes.published.isEmpty { sql += RowMoves.statement(writes.published) + ";\n" }
        for cursor in writes.cursors {
            sql += """
                UPDATE outbox_sink SET delivered_through = \(cursor.cursor), earned = \(cursor.isEarned)\
                \(cursor.endsPassing ? ", pass_through = NULL" : "")
                  WHERE name = \(quotedLiteral(cursor.sink)) AND generation = \(cursor.generation)
                  AND delivered_through <= \(cursor.cursor);

                """
        }
        sql += StoredWrites.remove(writes.lateRemoved) + StoredWrites.enter(writes.lateEntered)
        sql += StoredWrites.keep(writes.lateKept)
        if let ranges = writes.absent { sql += absent.statements(for: ranges) }
        if let span = writes.absentSpan { sql += AbsentRows.trim(to: span) }
        sql += ParkedWrites.park(writes.parked) + ParkedWrites.retried(writes.retried)
        for sink in writes.ended {
            sql += """
                DELETE FROM outbox_sink WHERE name = \(quotedLiteral(sink)) AND removing;
                DELETE FROM outbox_late WHERE sink = \(quotedLiteral(sink));
                DELETE FROM outbox_sink_state WHERE sink = \(quotedLiteral(sink));

                """
        }
        return sql
    }

    private func result(
        _ facts: SettlementFacts, _ writes: SettlementWrites, unmovable: [UnmovableRow]
    ) -> SettledRows {
        let after = writes.applied(to: facts)
        return SettledRows(
            state: SettledState(
                sinks: after.sinks, late: after.late, lockedRow: writes.lockedRow, entered: writes.lateEntered),
            unmovable: unmovable)
    }
}

// MARK: - Rows that cannot move

extension WorkSession {
    private func settleNarrowing(_ lanes: [LaneProgress]) async throws -> SettledRows {
        do {
            let (facts, absent, decided) = try await decide(lanes, continues: false)
            var writes = decided
            let published = writes.published
            var unmovable: [UnmovableRow] = []
            try await RowMoves.halving(published[...], on: connection, &unmovable)
            writes.published = []
            let stuck = Set(unmovable.map(\.id))
            // Kept as delivered, so that no sweep takes such a row for one that nobody has.
            writes.lateEntered += stuck.sorted().flatMap { id in
                facts.sinks.filter { !writes.ended.contains($0.name) }
                    .map { LateEntry(sink: $0.name, id: id, isDelivered: true) }
            }
            try await connection.execute(Self.statements(writes, absent) + "\nCOMMIT")
            let shown = writes.lateEntered.filter { !stuck.contains($0.id) }
            var outcome = result(facts, writes, unmovable: unmovable)
            outcome.state.entered = shown
            return outcome
        } catch {
            try await connection.rollBack()
            throw error
        }
    }
}
