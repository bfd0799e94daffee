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
    ///
    /// Through the parent, pruned to its leaf: an ALTER TABLE locks the parent first, and so does the update that follows
    /// here, or the two could wait for each other.
    package func claim(_ request: ClaimRequest) async throws -> (rows: FetchedRows, lastValue: Int64?, isOpen: Bool) {
        let bounds = "id > \(request.after)" + (request.below.map { " AND id < \($0)" } ?? "")
        if request.looksFirst {
            let seen = try await connection.query("SELECT FROM outbox_unpublished WHERE \(bounds) LIMIT 1")
            if seen.rowCount == 0 { return (FetchedRows(batch: nil, ids: [], reachedEnd: true), nil, false) }
        }
        do {
            try await connection.execute(
                """
                BEGIN;
                DECLARE claim NO SCROLL CURSOR FOR SELECT \(EventRows.readColumns) FROM outbox
                  WHERE published_at IS NULL AND \(bounds) ORDER BY id LIMIT \(request.rows) FOR UPDATE SKIP LOCKED
                """)
            claimIsOpen = true
            return try await fetchClaim(request)
        } catch {
            claimEnded()
            try await connection.rollBack()
            throw error
        }
    }

    private func fetchClaim(
        _ request: ClaimRequest
    ) async throws -> (rows: FetchedRows, lastValue: Int64?, isOpen: Bool) {
        var rows = EventRows(source: source, byteLimit: request.bytes)
        var reachedEnd = false
        while rows.isWhole, !reachedEnd, rows.builder.count < request.rows,
            rows.builder.count == 0 || rows.builder.byteCount < request.bytes
        {
            let room = min(request.bytes - rows.builder.byteCount, 8 << 20)
            let size = portion.rows(in: room, atMost: request.rows - rows.builder.count)
            let before = (count: rows.builder.count, bytes: rows.builder.byteCount, seen: rows.seen)
            rows = try await connection.rows("FETCH \(size) FROM claim", into: consume rows) { state, row in
                try state.append(row)
            }
            portion.learn(rows: rows.builder.count - before.count, bytes: rows.builder.byteCount - before.bytes)
            reachedEnd = rows.seen - before.seen < size
        }
        if let id = rows.largeID { rows = try await LargeRow(id: id).append(to: consume rows, on: connection) }
        if rows.isWhole, rows.seen == request.rows { reachedEnd = false }
        let isWhole = rows.isWhole
        let batch = rows.builder.finish()
        guard batch.count > 0 else {
            claimIsOpen = false
            try await connection.execute("ROLLBACK")
            return (FetchedRows(batch: nil, ids: [], reachedEnd: true), nil, false)
        }
        claimed = Set(batch.ids)
        // After the rows: none of them can have been drawn later.
        let lastValue = try await SequencePosition.read(connection).drawn
        return (FetchedRows(batch: batch, ids: batch.ids, reachedEnd: reachedEnd && isWhole), lastValue, true)
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
