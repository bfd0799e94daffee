import Libpq
import RelayCore

/// The session that claims, settles and sweeps, one thing after the other.
///
/// Every write is bound to the leader's epoch: once a successor has raised it, nothing here takes effect.
package actor WorkSession {
    let connection: Connection
    let epoch: Int64
    nonisolated let pid: Int32
    private let source: String
    /// The sinks for which later events of a parked key are parked too.
    let parkingByKey: [String]
    private var portion = PortionSize()
    /// Rows that the open claim holds locked.
    private(set) var claimed: Set<Int64> = []
    private(set) var claimIsOpen = false

    package init(_ session: Session, epoch: Int64, source: String, parkingByKey: [String] = []) {
        connection = session.connection
        pid = session.backendPID
        self.epoch = epoch
        self.source = source
        self.parkingByKey = parkingByKey
    }

    package func close() async { await connection.close() }

    /// Cuts the session off, whatever it is doing.
    package nonisolated func abandon() { connection.abandon() }

    /// Locks and reads the lowest unpublished rows above the tail; the transaction stays open where there is one.
    package func claim(_ request: ClaimRequest) async throws -> (rows: FetchedRows, lastValue: Int64?, isOpen: Bool) {
        let bounds = "id > \(request.after)" + (request.below.map { " AND id < \($0)" } ?? "")
        if request.looksFirst {
            let seen = try await connection.query("SELECT FROM outbox_unpublished WHERE \(bounds) LIMIT 1")
            if seen.rowCount == 0 { return (FetchedRows(batch: nil, ids: [], reachedEnd: true), nil, false) }
        }
        let cursor = ClaimCursor(rows: request.rows, bytes: request.bytes)
        do {
            try await connection.execute("BEGIN;\n" + cursor.declare(bounds))
            claimIsOpen = true
            return try await fetch(cursor)
        } catch {
            claimEnded()
            try await connection.rollBack()
            throw error
        }
    }

    private func fetch(
        _ cursor: ClaimCursor
    ) async throws -> (rows: FetchedRows, lastValue: Int64?, isOpen: Bool) {
        var portion = portion
        let (batch, reachedEnd) = try await cursor.fetch(on: connection, source: source, &portion)
        self.portion = portion
        guard batch.count > 0 else {
            claimIsOpen = false
            try await connection.execute("ROLLBACK")
            return (FetchedRows(batch: nil, ids: [], reachedEnd: true), nil, false)
        }
        claimed = Set(batch.ids)
        // After the rows: none of them can have been drawn later.
        let lastValue = try await SequencePosition.read(connection).drawn
        return (FetchedRows(batch: batch, ids: batch.ids, reachedEnd: reachedEnd), lastValue, true)
    }

    /// Ends an open claim without having settled anything.
    package func endClaim() async throws {
        guard claimIsOpen else { return }
        claimEnded()
        do {
            try await connection.execute("COMMIT")
        } catch {
            try await connection.rollBack()
            throw error
        }
    }

    /// Which ids of these gaps stand in a leaf, seen by a new statement; at most the lowest thousand of each leaf.
    package func look(_ gaps: IDRanges) async throws -> LookedRows {
        guard !gaps.isEmpty else { return LookedRows() }
        func sql(_ leaf: String) -> String {
            """
            SELECT o.id FROM (VALUES \(gaps.valuesSQL)) AS r (a, b) CROSS JOIN LATERAL
              (SELECT id FROM \(leaf) WHERE id BETWEEN r.a AND r.b ORDER BY id LIMIT 1000) AS o ORDER BY 1 LIMIT 1000
            """
        }
        let tables = try await rollingBackClaim {
            try await connection.execute(sql("outbox_unpublished") + ";\n" + sql("outbox_published"))
        }
        func ids(_ index: Int) -> [Int64] {
            index < tables.count ? tables[index].rows.compactMap { $0.int(0) } : []
        }
        return LookedRows(unpublished: ids(0), published: ids(1))
    }

    /// A statement in an open claim: where it fails, the claim is over.
    private func rollingBackClaim<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            claimEnded()
            try await connection.rollBack()
            throw error
        }
    }

    func claimEnded() {
        claimIsOpen = false
        claimed = []
    }
}
