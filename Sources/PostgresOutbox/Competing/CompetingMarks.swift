import Libpq
import RelayCore

/// A trigger or a rule let rows vanish that were to move: one that returns NULL for the insert into the published leaf.
/// The move is undone.
private struct RowsVanished: Error, CustomStringConvertible {
    let description = "a trigger or rule on the outbox drops the row when it moves to the published leaf"
}

/// Marks rows that are locked in the transaction that is open, and parks others: as many as can be, each on its own where
/// it must be.
struct CompetingMarks {
    let connection: Connection
    /// Asked while rows that fail are looked for.
    let mayGoOn: () -> Bool

    /// Why a row that was named stands where it stood, though nothing failed.
    private static let skipped = "a trigger or rule on the outbox skips the row without an error"

    /// Moves rows to the published leaf.
    ///
    /// - Throws: what the statement is at fault for itself.
    func mark(_ ids: [Int64]) async throws -> [RowFault] {
        let found = try await RowNarrowing(of: ids, mayGoOn: mayGoOn) { part in
            try await move(part, parking: "", onlyWhere: "")
        }
        return faults(found, .mark)
    }

    /// Parks rows and moves them to the published leaf: never one without the other.
    func park(_ parkings: [Parking], sink: String) async throws -> [RowFault] {
        let byID = Dictionary(parkings.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let name = quotedLiteral(sink)
        do {
            let found = try await RowNarrowing(of: byID.keys.sorted(), mayGoOn: mayGoOn) { part in
                try await move(
                    part, parking: ParkedWrites.park([sink: part.compactMap { byID[$0] }]),
                    onlyWhere: "AND EXISTS (SELECT FROM outbox_parked AS p WHERE p.sink = \(name) AND p.id = o.id)")
            }
            return faults(found, .park)
        } catch let error as PostgresError where error.kind == .server && !error.connectionIsLost {
            // What was delivered is marked all the same; these are rejected again later.
            return byID.keys.sorted().map { RowFault(id: $0, work: .park, reason: error.message) }
        }
    }

    private func move(_ ids: ArraySlice<Int64>, parking: String, onlyWhere: String) async throws -> [Int64] {
        try await connection.inSavepoint {
            let tables = try await connection.execute(
                """
                \(parking)UPDATE outbox AS o SET published_at = clock_timestamp()
                  WHERE o.published_at IS NULL AND o.id = ANY(\(Array(ids).arraySQL)) \(onlyWhere) RETURNING o.id
                """)
            let moved = tables.last?.rows.compactMap { $0.int(0) } ?? []
            if moved.count < ids.count { try await check(Set(ids).subtracting(moved).sorted()) }
            return moved
        }
    }

    /// All of them are locked by this transaction: what did not move must still stand there.
    private func check(_ ids: [Int64]) async throws {
        let standing = try await connection.query(
            "SELECT count(*) FROM outbox_unpublished WHERE id = ANY($1::bigint[])", [.int8Array(ids)])
        if standing.rows.first?.int(0) != Int64(ids.count) { throw RowsVanished() }
    }

    private func faults(_ found: RowNarrowing, _ work: RowFault.Work) -> [RowFault] {
        found.failures.map { RowFault(id: $0.id, work: work, reason: $0.reason) }
            + found.skipped.map { RowFault(id: $0, work: work, reason: Self.skipped) }
            + found.untried.map { RowFault(id: $0, work: work, reason: "there was no time to find out why") }
    }
}
