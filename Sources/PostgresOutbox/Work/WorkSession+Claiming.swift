import Libpq
import RelayCore

/// Claims: rows that are locked until they are delivered, and the ids of gaps that are looked up once more.
extension WorkSession {
    /// Locks and reads the lowest unpublished rows above the tail; the transaction stays open where there is one. Where
    /// they cannot all be read, it takes those before the first that cannot be.
    package func claim(_ request: ClaimRequest) async throws -> FetchedClaim {
        if request.probesFirst {
            let seen = try await connection.query(
                "SELECT FROM \(schema.unpublished) WHERE id > $1 AND id <= $2 ORDER BY id LIMIT 1",
                [.int(request.after), .int(request.below.map { $0 - 1 } ?? .max)], prepares: true)
            if seen.rowCount == 0 { return Self.nothing }
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
        guard let range = Self.range(above: request.after, below: request.below) else { return Self.nothing }
        let portions = ClaimedPortions(
            schema: schema, rows: request.rows, bytes: request.bytes, range: range, begins: true)
        return try await endingClaim {
            claimIsOpen = true
            var portion = portion
            let found = try await portions.read(on: connection, source: source, &portion)
            self.portion = portion
            guard found.batch.count > 0 else {
                claimIsOpen = false
                try await connection.execute("ROLLBACK")
                return Self.nothing
            }
            claimed = Set(found.batch.ids)
            return FetchedClaim(
                rows: FetchedRows(batch: found.batch, ids: found.batch.ids, reachedEnd: found.reachedEnd),
                lastValue: found.position?.drawn, isOpen: true)
        }
    }

    private static let nothing = FetchedClaim(rows: FetchedRows(batch: nil, ids: [], reachedEnd: true))

    /// The ids between; nil where there are none.
    private static func range(above after: Int64, below: Int64?) -> ClosedRange<Int64>? {
        guard after < .max, below ?? .max > .min else { return nil }
        let (first, last) = (after + 1, below.map { $0 - 1 } ?? .max)
        return first <= last ? first...last : nil
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
    package func recheckGaps(_ gaps: IDRanges) async throws -> RowsInGaps {
        guard !gaps.isEmpty else { return RowsInGaps() }
        let tables = try await endingClaim {
            try await connection.run(
                [schema.unpublished, schema.published].map { leaf in
                    Statement(
                        """
                        SELECT o.id FROM unnest($1::bigint[], $2::bigint[]) AS r (a, b) CROSS JOIN LATERAL
                          (SELECT id FROM \(leaf) WHERE id BETWEEN r.a AND r.b ORDER BY id LIMIT 1000) AS o
                        ORDER BY 1 LIMIT 1000
                        """, gaps.parameters, prepares: true)
                })
        }
        func ids(_ index: Int) -> [Int64] {
            index < tables.count ? tables[index].rows.compactMap { $0.int(0) } : []
        }
        return RowsInGaps(unpublished: ids(0), published: ids(1))
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
