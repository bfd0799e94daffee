import Libpq
import RelayCore

extension WorkSession {
    /// Finds rows that turned up where cursors have passed, and enters them as owed: one bounded portion.
    package func sweep(_ request: SweepRequest, known: KnownProgress) async throws -> SweptState {
        try await endingClaim {
            let stored = try await StoredState.read(connection, epoch: epoch, begins: true)
            let question = SnapshotQuestion(transactions: request.announced.map(\.transaction), wantsEdges: false)
            let visible = try await question.ask(on: connection).visible
            let portion = try await SweepPortion.read(request, stored, on: connection, schema)
            let entries = try await OwedRows.entries(of: portion.found, connection)
            let owed = Set(entries.map(\.id))
            if portion.found.contains(where: { !owed.contains($0) }) { try await refuseTimeTravel(known, stored) }
            let absent = try await AbsentRows.touching(
                IDRanges(ascending: portion.found), in: stored, connection)
            let writes = SweepWrites(
                SweepFacts(sinks: stored.sinks, absent: absent.ranges, owed: entries, found: portion.found))
            var statements = OwedRows.enter(writes.owedEntered)
            if let ranges = writes.absent { statements += absent.statements(for: ranges) }
            let gone = try await removeGone(stored, above: request.above)
            statements += gone
            let parked = try await takeParkedActions(readKeys: request.parkedKeys)
            let parkRequests = try await takeParkRequests()
            try await connection.run(statements)
            let portions =
                request.owed || !writes.owedEntered.isEmpty || !gone.isEmpty
                ? try await OwedRows.portions(of: stored.sinks.map(\.name), connection) : nil
            let above = try await connection.query(
                "SELECT id FROM \(schema.unpublished) WHERE id > $1 ORDER BY id LIMIT 100", [.int(request.tail)])
            try await connection.execute("COMMIT")
            return SweptState(
                sinks: stored.sinks, owed: portions, entered: writes.owedEntered,
                aboveTail: above.rows.compactMap { $0.int(0) }, sweptThrough: portion.sweptThrough,
                visible: visible, parkedToRetry: parked.parkedToRetry, parkRequests: parkRequests,
                parkedKeys: parked.keys)
        }
    }

    /// Ids that are issued a second time look like late rows.
    private func refuseTimeTravel(_ known: KnownProgress, _ stored: StoredState) async throws {
        let cursors = stored.sinks.map {
            ($0.name, LeaderBeat.StoredCursor(generation: $0.generation, cursor: $0.cursor))
        }
        let lastValue = try await SequencePosition.read(schema.sequence, on: connection).drawn
        if let travel = known.timeTravel(
            lastValue: lastValue, sinks: Dictionary(cursors, uniquingKeysWith: { first, _ in first }))
        {
            throw travel
        }
    }

    /// An owed row that is in neither leaf is owed no more: somebody deleted it. The next thousand entries above a
    /// place, whoever they are owed to.
    private func removeGone(_ stored: StoredState, above: Int64?) async throws -> [Statement] {
        guard stored.hasOwed else { return [] }
        let gone = try await connection.query(
            """
            SELECT l.id FROM (
              SELECT DISTINCT id FROM (SELECT id FROM outbox_late WHERE id > $1 ORDER BY id LIMIT \(SweepPortion.size)) AS p
            ) AS l
            WHERE NOT EXISTS (SELECT FROM \(schema.unpublished) AS o WHERE o.id = l.id)
              AND NOT EXISTS (SELECT FROM \(schema.published) AS o WHERE o.id = l.id)
            """, [.int(above ?? .min)]
        ).rows.compactMap { $0.int(0) }
        return gone.isEmpty
            ? [] : [Statement("DELETE FROM outbox_late WHERE id = ANY($1::bigint[])", [.int8Array(gone)])]
    }
}

/// One bounded look for rows where cursors have passed: first at or below the lowest cursor, then in the ranges above it.
struct SweepPortion: Sendable {
    /// How many rows, and how many ranges, one portion looks at.
    static let size = 1000
    /// How many rows of one range: late rows are few, and a portion of full ranges must stay one.
    private static let ofRange = 10

    /// Rows of the unpublished leaf that are late, and those announced, owed already or not; ascending.
    var found: [Int64]
    /// Nil: to the end.
    var sweptThrough: Int64?

    static func read(
        _ request: SweepRequest, _ stored: StoredState, on connection: Connection, _ schema: OutboxSchema
    ) async throws -> SweepPortion {
        let low = stored.sinks.cursorSpan.low
        var found = Set(try await announced(request, on: connection, schema))
        let above = request.above
        // Every row below the lowest cursor is late, the very first id included.
        let start: SQLText = above == nil ? "true" : "id > $2"
        let below = try await connection.query(
            """
            WITH p AS MATERIALIZED (
              SELECT id FROM \(schema.unpublished) WHERE \(start) AND id <= $1 ORDER BY id LIMIT \(size))
            SELECT id, NULL FROM p WHERE NOT EXISTS (SELECT FROM outbox_late AS l WHERE l.id = p.id)
            UNION ALL SELECT max(id), count(*) FROM p
            """, [.int(low)] + (above.map { [.int($0)] } ?? []))
        found.formUnion(below.rows.filter { $0.int(1) == nil }.compactMap { $0.int(0) })
        if let end = fullEnd(below, at: 1) { return SweepPortion(found: found.sorted(), sweptThrough: end) }
        guard stored.hasAbsent else { return SweepPortion(found: found.sorted(), sweptThrough: nil) }
        let ranges = try await connection.query(
            """
            WITH a AS MATERIALIZED (
              SELECT first_id, last_id FROM outbox_absent WHERE first_id > $1 ORDER BY first_id LIMIT \(size))
            SELECT a.first_id, o.id, NULL FROM a CROSS JOIN LATERAL (
              SELECT id FROM \(schema.unpublished) WHERE id BETWEEN a.first_id AND a.last_id ORDER BY id LIMIT \(ofRange)
            ) AS o
            UNION ALL SELECT max(first_id), NULL, count(*) FROM a ORDER BY 1, 2
            """, [.int(max(above ?? low, low))])
        var (last, ofLast) = (Int64?.none, 0)
        for row in ranges.rows {
            guard let id = row.int(1) else { continue }
            if row.int(0) != last { (last, ofLast) = (row.int(0), 0) }
            found.insert(id)
            ofLast += 1
            // The range is cut there, and what is left of it begins the next portion.
            if ofLast == ofRange { return SweepPortion(found: found.sorted(), sweptThrough: id) }
        }
        return SweepPortion(found: found.sorted(), sweptThrough: fullEnd(ranges, at: 2))
    }

    /// The last of what was looked at, where that is a full portion: of the row that holds its end and its count.
    private static func fullEnd(_ table: ResultTable, at count: Int) -> Int64? {
        table.rows.first { $0.int(count).map { $0 >= size } ?? false }?.int(0)
    }

    /// Rows that the stream has announced, wherever they are.
    private static func announced(
        _ request: SweepRequest, on connection: Connection, _ schema: OutboxSchema
    ) async throws -> [Int64] {
        let ids = request.announced.reduce(IDRanges()) { $0.union($1.ids) }
        guard !ids.isEmpty else { return [] }
        return try await connection.query(
            """
            SELECT o.id FROM unnest($1::bigint[], $2::bigint[]) AS r (a, b) CROSS JOIN LATERAL
              (SELECT id FROM \(schema.unpublished) WHERE id BETWEEN r.a AND r.b ORDER BY id LIMIT \(size)) AS o
            ORDER BY 1 LIMIT \(size)
            """, ids.parameters, prepares: true
        ).rows.compactMap { $0.int(0) }
    }
}
