import Libpq
import RelayCore

/// Reads events from both leaves, without locks: the tail in WAL mode, and what lanes off the tail lack.
package actor TableReader {
    private let connection: Connection
    private let schema: OutboxSchema
    private let source: String
    private var portion = PortionSize()

    /// With its connection: a call between the two is a call, and not a job in the queue.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe connection.unownedExecutor }

    package init(_ session: Session, source: String) {
        connection = session.connection
        schema = session.schema
        self.source = source
    }

    /// The lowest rows above `request.after`, published or not, ascending.
    package func read(_ request: ReadRequest) async throws -> FetchedRows {
        if request.idsOnly { return try await readIDs(request) }
        return try await readRows(request, more: "").fetched
    }

    /// The tail's next rows; what is asked of transactions is asked before.
    package func readTail(_ request: TailRequest) async throws -> FetchedTail {
        let question = SnapshotQuestion(transactions: request.transactions, wantsEdges: request.wantsEdges)
        let seen = try await question.ask(on: connection)
        let (rows, position) = try await readRows(
            request.rows, more: ", " + SequencePosition.columnsSQL(of: schema.sequence))
        return FetchedTail(rows: rows, lastValue: position?.drawn, visible: seen.visible, edges: seen.edges)
    }

    /// Where the whole cannot be read, what lies before the first row that cannot be.
    private func readRows(
        _ request: ReadRequest, more: SQLText
    ) async throws -> (fetched: FetchedRows, position: SequencePosition?) {
        do {
            return try await readWhole(request, more)
        } catch  where RowNarrowing.mayBeRows(error) {
            guard let fault = try await firstUnreadable(request) else { return try await readWhole(request, more) }
            var before = request
            before.through = fault.id - 1
            var found = (
                fetched: FetchedRows(batch: nil, ids: [], reachedEnd: true), position: SequencePosition?.none
            )
            if before.through > before.after { found = try await readWhole(before, more) }
            // What found no room comes first.
            if found.fetched.reachedEnd { found.fetched.faults = [fault] }
            found.fetched.reachedEnd = false
            return found
        }
    }

    private func readWhole(
        _ request: ReadRequest, _ more: SQLText
    ) async throws -> (fetched: FetchedRows, position: SequencePosition?) {
        let limit = portion.rows(in: request.bytes, atMost: request.rows)
        let rows = try await connection.rows(
            """
            SELECT \(EventRows.readColumns)\(more) FROM (
              (SELECT \(EventRows.columns) FROM \(schema.unpublished) WHERE id > $1 AND id <= $2 ORDER BY id LIMIT \(limit))
              UNION ALL
              (SELECT \(EventRows.columns) FROM \(schema.published) WHERE id > $1 AND id <= $2 ORDER BY id LIMIT \(limit))
            ) AS o ORDER BY id LIMIT \(limit)
            """, [.int(request.after), .int(request.through)], prepares: true,
            into: EventRows(source: source, byteLimit: request.bytes)
        ) { state, row in try state.append(row) }
        portion.learn(rows: rows.builder.count, bytes: rows.builder.byteCount)
        let position = rows.sequence
        var taken = try await whole(rows, from: LargeRow.place(in: schema))
        let reachedEnd = taken.isWhole && taken.seen < limit
        let batch = taken.builder.finish()
        return (FetchedRows(batch: batch, ids: batch.ids, reachedEnd: reachedEnd), position)
    }

    private func firstUnreadable(_ request: ReadRequest) async throws -> RowFault? {
        let ids = try await readIDs(request).ids
        return try await RowReadability(source: source, schema: schema).faults(among: ids, on: connection).first
    }

    private func readIDs(_ request: ReadRequest) async throws -> FetchedRows {
        let limit = request.rows
        let table = try await connection.query(
            """
            SELECT id FROM (
              (SELECT id FROM \(schema.unpublished) WHERE id > $1 AND id <= $2 ORDER BY id LIMIT \(limit)) UNION ALL
              (SELECT id FROM \(schema.published) WHERE id > $1 AND id <= $2 ORDER BY id LIMIT \(limit))
            ) AS o ORDER BY id LIMIT \(limit)
            """, [.int(request.after), .int(request.through)], prepares: true)
        let ids = table.rows.compactMap { $0.int(0) }
        return FetchedRows(batch: nil, ids: ids, reachedEnd: ids.count < limit)
    }

    // MARK: - By id

    /// The rows of these ids that are still there, ascending, as far as they fit into `bytes`, without those that cannot
    /// be read.
    package func readOwed(_ ids: [Int64], bytes: Int) async throws -> FetchedRows {
        let place: SQLText = """
            (SELECT \(EventRows.columns) FROM \(schema.unpublished) WHERE id = ANY($1::bigint[])
             UNION ALL SELECT \(EventRows.columns) FROM \(schema.published) WHERE id = ANY($1::bigint[])) AS o
            """
        return try await withoutFaults(ids) { ids in
            try await self.readThose(ids, bytes, "\(place) ORDER BY id", [], LargeRow.place(in: self.schema))
        }
    }

    /// The parked events of these ids, from their copies, ascending, as far as they fit into `bytes`.
    package func readParked(_ sink: String, _ ids: [Int64], bytes: Int) async throws -> FetchedRows {
        try await readThose(
            ids, bytes, "outbox_parked WHERE id = ANY($1::bigint[]) AND sink = $2 ORDER BY id", [.text(sink)],
            "outbox_parked WHERE id = $1::bigint AND sink = $2")
    }

    /// - Parameter more: `$2`, …, in both places.
    private func readThose(
        _ ids: [Int64], _ bytes: Int, _ place: SQLText, _ more: [Parameter], _ large: SQLText
    ) async throws -> FetchedRows {
        let rows = try await connection.rows(
            "SELECT \(EventRows.readColumns) FROM \(place)", [.int8Array(ids)] + more, prepares: true,
            into: EventRows(source: source, byteLimit: bytes)
        ) { state, row in try state.append(row) }
        var taken = try await whole(rows, from: large, more)
        let isWhole = taken.isWhole
        let batch = taken.builder.finish()
        return FetchedRows(batch: batch, ids: batch.ids, reachedEnd: isWhole)
    }

    private func withoutFaults(
        _ ids: [Int64], _ read: ([Int64]) async throws -> FetchedRows
    ) async throws -> FetchedRows {
        do {
            return try await read(ids)
        } catch  where RowNarrowing.mayBeRows(error) {
            let faults = try await RowReadability(source: source, schema: schema).faults(among: ids, on: connection)
            let faulty = Set(faults.map(\.id))
            var found = try await read(ids.filter { !faulty.contains($0) })
            found.faults = faults
            return found
        }
    }

    private func whole(
        _ rows: consuming EventRows, from place: SQLText, _ more: [Parameter] = []
    ) async throws -> EventRows {
        guard let id = rows.largeID else { return rows }
        return try await LargeRow(id: id, place: place, more: more).append(to: rows, on: connection)
    }

    package func close() async { await connection.close() }

    /// Cuts the session off, whatever it is doing.
    package nonisolated func abandon() { connection.abandon() }
}
