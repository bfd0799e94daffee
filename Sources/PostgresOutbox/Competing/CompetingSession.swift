import Libpq
import RelayCore

/// Somebody registered a sink: rows may not be marked without asking it.
package struct SinksAreRegistered: Error, Hashable, Sendable {
    package init() {}
}

/// The one session of a relay that competes with others: claims rows that nobody holds, and marks what was delivered in
/// the transaction that holds them.
package actor CompetingSession: CompetingTenure {
    private let connection: Connection
    private let source: String
    private var portion = PortionSize()

    init(_ session: Session, source: String) {
        connection = session.connection
        self.source = source
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

    package func claim(rows: Int, bytes: Int, without: [Int64]) async throws -> FetchedRows {
        let bounds = without.isEmpty ? "true" : "id <> ALL(\(without.arraySQL))"
        let seen = try await connection.query("SELECT FROM outbox_unpublished WHERE \(bounds) LIMIT 1")
        guard seen.rowCount > 0 else { return FetchedRows(batch: nil, ids: [], reachedEnd: true) }
        let cursor = ClaimCursor(rows: rows, bytes: bytes)
        return try await rollingBack {
            // A sink that is registered meanwhile waits until this claim is over.
            let tables = try await connection.execute(
                """
                BEGIN; LOCK TABLE outbox_sink IN ROW EXCLUSIVE MODE;
                SELECT EXISTS (SELECT FROM outbox_sink);
                \(cursor.declare(bounds))
                """)
            if tables.contains(where: { $0.rows.first?.bool(0) == true }) { throw SinksAreRegistered() }
            var portion = portion
            let (batch, reachedEnd) = try await cursor.fetch(on: connection, source: source, &portion)
            self.portion = portion
            if batch.count == 0 { try await connection.execute("ROLLBACK") }
            return FetchedRows(batch: batch, ids: batch.ids, reachedEnd: reachedEnd)
        }
    }

    package func mark(_ ids: [Int64], parked: [Parking], sink: String) async throws -> [UnmovableRow] {
        let parked = StorableText(connection)(parked)
        return try await rollingBack {
            let parking = ParkedWrites.park(parked.isEmpty ? [:] : [sink: parked])
            let moved = ids + parked.map(\.id)
            var unmovable: [UnmovableRow] = []
            try await RowMoves.halving(moved[...], on: connection, &unmovable)
            try await connection.execute(parking + "COMMIT")
            return unmovable
        }
    }

    package func isEmpty() async throws -> Bool {
        try await connection.query("SELECT FROM outbox_unpublished LIMIT 1").rowCount == 0
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
