import Libpq
import RelayCore

/// Somebody registered a sink: rows may not be marked without asking it.
package struct SinksAreRegistered: Error, Hashable, Sendable, CustomStringConvertible {
    package let description = "a sink is registered, which --order none does not serve"

    package init() {}
}

/// The one session of a relay that competes with others: claims rows that nobody holds, and marks what was delivered in
/// the transaction that holds them.
package actor CompetingSession: CompetingTenure {
    private let connection: Connection
    private let schema: OutboxSchema
    private let source: String
    private let claimTimeout: Duration
    private var portion = PortionSize()

    /// With its connection: a call between the two is a call, and not a job in the queue.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe connection.unownedExecutor }

    init(_ session: Session, source: String, claimTimeout: Duration) {
        connection = session.connection
        schema = session.schema
        self.source = source
        self.claimTimeout = claimTimeout
    }

    package func close() async { await connection.close() }

    package nonisolated func isLoss(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return error is SinksAreRegistered }
        return error.connectionIsLost || error.kind == .connection || error.kind == .closed
    }

    /// Beside another relay a row may be moved between being seen and being locked (40001): claim again, that is all.
    package nonisolated func lostRace(_ error: any Error) -> Bool {
        (error as? PostgresError)?.sqlState == "40001"
    }

    package func claim(
        rows: Int, bytes: Int, without: [Int64]
    ) async throws -> (rows: FetchedRows, unreadable: [RowFault]) {
        let nothing = FetchedRows(batch: nil, ids: [], reachedEnd: true)
        let bounds = Statement(
            without.isEmpty ? "true" : "id <> ALL($1::bigint[])", without.isEmpty ? [] : [.int8Array(without)])
        let seen = try await connection.query(
            "SELECT FROM \(schema.unpublished) WHERE \(bounds.text) LIMIT 1", bounds.values)
        guard seen.rowCount > 0 else { return (nothing, []) }
        let portions = ClaimedPortions(
            schema: schema, rows: rows, bytes: bytes, range: .min ... .max, without: without)
        do {
            return (try await claim(portions), [])
        } catch {
            guard !isLoss(error), !lostRace(error), !(error is CancellationError) else { throw error }
            let unreadable = try await unreadableRows(atMost: rows, bounds)
            // Where every row can be read by now, the claim is tried again after a pause.
            if unreadable.isEmpty { throw error }
            return (nothing, unreadable)
        }
    }

    private func claim(_ portions: ClaimedPortions) async throws -> FetchedRows {
        try await rollingBack {
            try await begin()
            var portion = portion
            let found = try await portions.read(on: connection, source: source, &portion)
            self.portion = portion
            if found.batch.count == 0 { try await connection.execute("ROLLBACK") }
            return FetchedRows(batch: found.batch, ids: found.batch.ids, reachedEnd: found.reachedEnd)
        }
    }

    /// Begins a claim; a sink that is registered meanwhile waits until it is over.
    private func begin() async throws {
        let tables = try await connection.execute(
            """
            BEGIN; LOCK TABLE outbox_sink IN ROW EXCLUSIVE MODE;
            SELECT EXISTS (SELECT FROM outbox_sink)
            """)
        if tables.contains(where: { $0.rows.first?.bool(0) == true }) { throw SinksAreRegistered() }
    }

    /// Reads the rows that a claim would hold, and throws them away: which of them it fails for.
    private func unreadableRows(atMost rows: Int, _ bounds: Statement) async throws -> [RowFault] {
        let limit = ContinuousClock.now + claimTimeout / 2
        return try await rollingBack {
            try await connection.execute("BEGIN")
            let found = try await connection.query(
                """
                SELECT id FROM \(schema.table) WHERE published_at IS NULL AND \(bounds.text) ORDER BY id LIMIT \(rows)
                FOR UPDATE SKIP LOCKED
                """, bounds.values)
            let ids = found.rows.compactMap { $0.int(0) }
            let readability = RowReadability(source: source, schema: schema)
            let narrowed = try await RowNarrowing(of: ids, mayGoOn: { ContinuousClock.now < limit }) { part in
                try await connection.inSavepoint {
                    try await readability.check(Array(part), on: connection)
                    return Array(part)
                }
            }
            try await connection.execute("ROLLBACK")
            return narrowed.failures.map { RowFault(id: $0.id, work: .read, reason: $0.reason) }
        }
    }

    package func mark(_ ids: [Int64], parked: [Parking], sink: String) async throws -> [RowFault] {
        let parked = StorableText(connection)(parked)
        return try await rollingBack {
            let marks = marks
            let faults = try await marks.mark(ids) + marks.park(parked, sink: sink)
            try await connection.execute("COMMIT")
            return faults
        }
    }

    private var marks: CompetingMarks {
        let limit = ContinuousClock.now + claimTimeout / 2
        return CompetingMarks(
            moves: RowMoves(connection: connection, schema: schema) { ContinuousClock.now < limit })
    }

    package func remark(_ rows: [UnmarkedRow]) async throws -> RemarkedRows {
        try await rollingBack {
            try await connection.execute("BEGIN")
            // Any other version of the row is claimed and delivered like all: see UnmarkedRow. Through the parent, as all
            // that follows: see ClaimedPortions.
            let delivered = Dictionary(rows.map { ($0.id, $0.mark) }, uniquingKeysWith: { first, _ in first })
            func standing(_ table: ResultTable) -> [Int64] {
                table.rows.compactMap { row in
                    guard let id = row.int(0), let createdAt = row.int(1), let writer = row.int(2),
                        let mark = delivered[id], mark.createdAt == createdAt, Int64(mark.transaction) == writer
                    else { return nil }
                    return id
                }
            }
            let select: SQLText = """
                SELECT id, \(microsecondsSQL("created_at")), xmin::text::bigint FROM \(schema.table)
                WHERE published_at IS NULL AND id = ANY($1::bigint[]) ORDER BY id
                """
            let seen = standing(try await connection.query(select, [.int8Array(rows.map(\.id))]))
            // It may have been written to since it was seen.
            let mine = standing(
                try await connection.query("\(select) FOR UPDATE SKIP LOCKED", [.int8Array(seen)]))
            let faults = try await marks.mark(mine)
            try await connection.execute("COMMIT")
            let locked = Set(seen).subtracting(mine)
            return RemarkedRows(faults: faults, locked: locked.sorted())
        }
    }

    package func isEmpty() async throws -> Bool {
        try await connection.query("SELECT FROM \(schema.unpublished) LIMIT 1").rowCount == 0
    }

    private func rollingBack<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            try await connection.rollBack()
            throw error
        }
    }
}
