import Libpq
import RelayCore

/// Claims: rows that are locked until they are delivered, and the ids of gaps that are looked up once more.
extension WorkSession {
    /// Locks and reads the lowest unpublished rows above the tail; the transaction stays open where there is one. Where
    /// they cannot all be read, it takes those before the first that cannot be.
    package func claim(_ request: ClaimRequest) async throws -> FetchedClaim {
        if request.looksFirst {
            let seen = try await connection.query(
                "SELECT FROM \(schema.unpublished) WHERE id > $1 AND id <= $2 ORDER BY id LIMIT 1",
                [.int(request.after), .int(request.below.map { $0 - 1 } ?? .max)])
            if seen.rowCount == 0 { return FetchedClaim(rows: FetchedRows(batch: nil, ids: [], reachedEnd: true)) }
        }
        do {
            return try await claimWhole(request)
        } catch  where RowNarrowing.mayBeRows(error) {
            guard let fault = try await firstUnreadable(request) else { return try await claimWhole(request) }
            var before = request
            before.below = fault.id
            var found = try await claimWhole(before)
            if found.rows.reachedEnd { found.rows.faults = [fault] }
            found.rows.reachedEnd = false
            return found
        }
    }

    private func claimWhole(_ request: ClaimRequest) async throws -> FetchedClaim {
        let bounds = "id > \(request.after.sql)" + (request.below.map { " AND id < \($0.sql)" } ?? "")
        let cursor = ClaimCursor(schema: schema, rows: request.rows, bytes: request.bytes)
        return try await endingClaim {
            try await connection.execute("BEGIN;\n" + cursor.declare(bounds))
            claimIsOpen = true
            return try await fetch(cursor)
        }
    }

    private func fetch(_ cursor: ClaimCursor) async throws -> FetchedClaim {
        var portion = portion
        let (batch, reachedEnd) = try await cursor.fetch(on: connection, source: source, &portion)
        self.portion = portion
        guard batch.count > 0 else {
            claimIsOpen = false
            try await connection.execute("ROLLBACK")
            return FetchedClaim(rows: FetchedRows(batch: nil, ids: [], reachedEnd: true))
        }
        claimed = Set(batch.ids)
        // After the rows: none of them can have been drawn later.
        let lastValue = try await SequencePosition.read(schema.sequence, on: connection).drawn
        return FetchedClaim(
            rows: FetchedRows(batch: batch, ids: batch.ids, reachedEnd: reachedEnd), lastValue: lastValue,
            isOpen: true)
    }

    private func firstUnreadable(_ request: ClaimRequest) async throws -> RowFault? {
        let ids = try await connection.query(
            "SELECT id FROM \(schema.unpublished) WHERE id > $1 AND id <= $2 ORDER BY id LIMIT \(request.rows)",
            [.int(request.after), .int(request.below.map { $0 - 1 } ?? .max)]
        ).rows.compactMap { $0.int(0) }
        return try await RowReadability(source: source, schema: schema).faults(among: ids, on: connection).first
    }

    /// Ends an open claim without having settled anything.
    package func endClaim() async throws {
        guard claimIsOpen else { return }
        try await endingClaim {
            claimEnded()
            try await connection.execute("COMMIT")
        }
    }

    /// Which ids of these gaps are in a leaf, seen by a new statement; at most the lowest thousand of each leaf.
    package func look(_ gaps: IDRanges) async throws -> LookedRows {
        guard !gaps.isEmpty else { return LookedRows() }
        func sql(_ leaf: OutboxRelation) -> String {
            """
            SELECT o.id FROM (VALUES \(gaps.valuesSQL)) AS r (a, b) CROSS JOIN LATERAL
              (SELECT id FROM \(leaf) WHERE id BETWEEN r.a AND r.b ORDER BY id LIMIT 1000) AS o ORDER BY 1 LIMIT 1000
            """
        }
        let tables = try await endingClaim {
            try await connection.execute(sql(schema.unpublished) + ";\n" + sql(schema.published))
        }
        func ids(_ index: Int) -> [Int64] {
            index < tables.count ? tables[index].rows.compactMap { $0.int(0) } : []
        }
        return LookedRows(unpublished: ids(0), published: ids(1))
    }

    /// Statements in a claim: where they fail, the claim is over.
    func endingClaim<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
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
