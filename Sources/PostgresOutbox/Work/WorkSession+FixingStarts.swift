import Libpq
import RelayCore

extension WorkSession {
    /// Fixes where new sinks begin, as far as that can be said yet; at most one a call.
    package func fixStarts(closedThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration] {
        try await endingClaim {
            var stored = try await StoredState.read(
                connection, epoch: epoch, lock: "SHARE ROW EXCLUSIVE", begins: true)
            var facts = try await startFacts(stored, closedThrough, firstScanIsOver)
            for (index, sink) in stored.sinks.enumerated() {
                guard let start = FixedStart(of: sink, facts) else { continue }
                let missing = try await missing(start, sink, facts)
                let absent = try await AbsentRows.touching(missing, in: stored, connection)
                facts.absent = absent.ranges
                stored.sinks[index].start = nil
                stored.sinks[index].cursor = start.cursor
                stored.sinks[index].passThrough = start.passThrough
                let span = stored.sinks.cursorSpan
                let begin = Statement(
                    """
                    UPDATE outbox_sink SET start = NULL, delivered_through = $3, earned = false, pass_through = $4
                      WHERE name = $1 AND generation = $2
                    """,
                    [
                        .text(sink.name), .int(sink.generation), .int(start.cursor),
                        start.passThrough.map(Parameter.int) ?? .null,
                    ])
                try await connection.run(
                    [begin]
                        + absent.statements(for: start.ranges(of: sink.name, facts, missing: missing))
                        + (stored.hasAbsent ? [AbsentRows.trim(to: AbsentSpan(low: span.low, high: span.high))] : []))
                break
            }
            try await connection.execute("COMMIT")
            return stored.sinks
        }
    }

    private func startFacts(
        _ stored: StoredState, _ closedThrough: Int64, _ firstScanIsOver: Bool
    ) async throws -> StartFacts {
        let row = try await connection.query(
            """
            SELECT u.low,
              greatest((SELECT max(id) FROM \(schema.published) WHERE id < u.low),
                       (SELECT max(id) FROM \(schema.unpublished) WHERE id < u.low)),
              greatest((SELECT max(id) FROM \(schema.published) WHERE id <= $1::bigint),
                       (SELECT max(id) FROM \(schema.unpublished) WHERE id <= $1::bigint)),
              least(u.low, (SELECT min(id) FROM \(schema.published))),
              (SELECT seqstart FROM pg_catalog.pg_sequence WHERE seqrelid = \(schema.sequence.oidSQL))
            FROM (SELECT min(id) AS low FROM \(schema.unpublished)) AS u
            """, [.int(closedThrough)])
        return StartFacts(
            sinks: stored.sinks, absent: IDRanges(), closedThrough: closedThrough,
            firstScanIsOver: firstScanIsOver, oldestUnpublished: row.int(0, 0), rowBelowOldest: row.int(0, 1),
            highestClosedRow: row.int(0, 2), lowestRow: row.int(0, 3), sequenceStart: row.int(0, 4) ?? 1)
    }

    /// The ids between the lowest cursor and the new one that nobody is owed: all rows there are published, and a range
    /// may span those (decision 13).
    private func missing(
        _ start: FixedStart, _ sink: SinkRegistration, _ facts: StartFacts
    ) async throws -> IDRanges {
        let others = facts.sinks.filter { $0.name != sink.name }
        let low = others.isEmpty ? start.cursor : min(start.cursor, others.cursorSpan.low)
        guard low < start.cursor else { return IDRanges() }
        let owed = try await connection.query(
            "SELECT DISTINCT id FROM outbox_late WHERE id > $1 AND id <= $2 ORDER BY id",
            [.int(low), .int(start.cursor)])
        return IDRanges.absent(above: low, through: start.cursor, present: owed.rows.compactMap { $0.int(0) })
    }
}
