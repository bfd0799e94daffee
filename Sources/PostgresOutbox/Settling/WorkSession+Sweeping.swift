import Libpq
import RelayCore

extension WorkSession {
    /// How many rows one sweep takes on.
    private static let found = 1000

    /// Finds rows that turned up where cursors have passed, and enters them as owed.
    ///
    /// - Parameter parkedKeys: whether the keys that are parked are to be read.
    package func sweep(tail: Int64, memory: ProcessMemory, parkedKeys: Bool) async throws -> SweptState {
        do {
            let stored = try await StoredState.read(connection, epoch: epoch, begins: true)
            let seen = try await connection.execute(Self.search(stored, tail: tail))
            func ids(_ table: ResultTable?) -> [Int64] { table?.rows.compactMap { $0.int(0) } ?? [] }
            let found = ids(seen.first)
            if !found.isEmpty {
                // Ids that are issued a second time look like late rows.
                let cursors = stored.sinks.map {
                    ($0.name, LeaderBeat.StoredCursor(generation: $0.generation, cursor: $0.cursor))
                }
                let lastValue = try await SequencePosition.read(connection).drawn
                if let travel = memory.judge(lastValue: lastValue, sinks: Dictionary(uniqueKeysWithValues: cursors)) {
                    throw travel
                }
            }
            let absent = try await AbsentRows.touching(
                IDRanges(found.map { IDRange($0, $0) }), in: stored, connection)
            let writes = SweepWrites(
                SweepFacts(sinks: stored.sinks, absent: absent.ranges, late: stored.late, found: found))
            var sql = StoredWrites.enter(writes.lateEntered)
            if let ranges = writes.absent { sql += absent.statements(for: ranges) }
            let parked = try await takeParkedRequests(readKeys: parkedKeys)
            try await connection.execute(sql + "COMMIT")
            return SweptState(
                sinks: stored.sinks, late: stored.late + writes.lateEntered, entered: writes.lateEntered,
                aboveTail: ids(seen.last), isComplete: found.count < Self.found, retries: parked.retries,
                parkedKeys: parked.keys)
        } catch {
            try await connection.rollBack()
            throw error
        }
    }

    private static func search(_ stored: StoredState, tail: Int64) -> String {
        let low = stored.sinks.cursorSpan.low
        // Range by range, by the leaf's index, whatever the statistics say.
        let inRanges =
            stored.hasAbsent
            ? """
             UNION SELECT o.id FROM outbox_absent AS a CROSS JOIN LATERAL (SELECT id FROM outbox_unpublished
              WHERE id BETWEEN a.first_id AND a.last_id ORDER BY id LIMIT \(found)) AS o
            """ : ""
        return """
            SELECT id FROM (SELECT id FROM outbox_unpublished WHERE id <= \(low)\(inRanges)) AS o
              WHERE NOT EXISTS (SELECT FROM outbox_late AS l WHERE l.id = o.id) ORDER BY id LIMIT \(found);
            SELECT id FROM outbox_unpublished WHERE id > \(tail) ORDER BY id LIMIT 100
            """
    }

    /// Fixes where new sinks begin, as far as that can be said yet; at most one a call.
    package func fixStarts(settledThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration] {
        do {
            var stored = try await StoredState.read(
                connection, epoch: epoch, lock: "SHARE ROW EXCLUSIVE", begins: true)
            let absent = try await AbsentRows.all(in: stored, connection)
            let facts = try await startFacts(stored, absent.ranges, settledThrough, firstScanIsOver)
            for (index, sink) in stored.sinks.enumerated() {
                guard let start = FixedStart(of: sink, facts) else { continue }
                let ranges = start.ranges(of: sink.name, facts, missing: try await missing(start, sink, facts))
                try await connection.execute(
                    """
                    UPDATE outbox_sink SET start = NULL, delivered_through = \(start.cursor), earned = false,
                      pass_through = \(start.passThrough.map(String.init) ?? "NULL")
                      WHERE name = \(quotedLiteral(sink.name)) AND generation = \(sink.generation);
                    \(absent.statements(for: ranges))
                    """)
                stored.sinks[index].start = nil
                stored.sinks[index].cursor = start.cursor
                stored.sinks[index].passThrough = start.passThrough
                break
            }
            try await connection.execute("COMMIT")
            return stored.sinks
        } catch {
            try await connection.rollBack()
            throw error
        }
    }

    private func startFacts(
        _ stored: StoredState, _ absent: IDRanges, _ settledThrough: Int64, _ firstScanIsOver: Bool
    ) async throws -> StartFacts {
        let row = try await connection.query(
            """
            SELECT u.low,
              greatest((SELECT max(id) FROM outbox_published WHERE id < u.low),
                       (SELECT max(id) FROM outbox_unpublished WHERE id < u.low)),
              greatest((SELECT max(id) FROM outbox_published WHERE id <= $1::bigint),
                       (SELECT max(id) FROM outbox_unpublished WHERE id <= $1::bigint)),
              least(u.low, (SELECT min(id) FROM outbox_published)),
              (SELECT seqstart FROM pg_catalog.pg_sequence WHERE seqrelid = 'outbox_id_seq'::regclass)
            FROM (SELECT min(id) AS low FROM outbox_unpublished) AS u
            """, [.int(settledThrough)])
        return StartFacts(
            sinks: stored.sinks, absent: absent, settledThrough: settledThrough,
            firstScanIsOver: firstScanIsOver, oldestUnpublished: row.int(0, 0), rowBelowOldest: row.int(0, 1),
            highestSettledRow: row.int(0, 2), lowestRow: row.int(0, 3), sequenceStart: row.int(0, 4) ?? 1)
    }

    /// The ids between the lowest cursor and the new one that stand in neither leaf.
    private func missing(
        _ start: FixedStart, _ sink: SinkRegistration, _ facts: StartFacts
    ) async throws -> IDRanges {
        let others = facts.sinks.filter { $0.name != sink.name }
        let low = others.isEmpty ? start.cursor : min(start.cursor, others.cursorSpan.low)
        guard low < start.cursor else { return IDRanges() }
        let gaps = try await connection.query(
            """
            SELECT previous + 1, id - 1 FROM (
              SELECT id, lag(id, 1, $1::bigint) OVER (ORDER BY id) AS previous
              FROM outbox WHERE id > $1::bigint AND id <= $2::bigint) AS o
            WHERE id > previous + 1
            """, [.int(low), .int(start.cursor)])
        return IDRanges(
            gaps.rows.compactMap { row in
                guard let first = row.int(0), let last = row.int(1) else { return nil }
                return IDRange(first, last)
            })
    }
}
