import Libpq
import RelayCore

/// Moves rows to the published leaf, in the transaction that is open and holds their locks.
struct RowMoves {
    let connection: Connection
    let schema: OutboxSchema
    /// Asked while rows that fail are looked for.
    var mayGoOn: () -> Bool = { true }

    /// Why a row that was named is where it was, though nothing failed.
    private static let skipped = "a trigger or rule on the outbox skips the row without an error"

    /// For scripts that move rows by `EXECUTE outbox_move`. It fails where fewer rows move than are named, since what the
    /// script does then may be a COMMIT: a division by zero is what an expression can fail with.
    static func prepare(on connection: Connection, in schema: OutboxSchema) async throws {
        try await connection.prepareOnce(
            "outbox_move", "(bigint[])",
            as: """
                WITH moved AS (\(sql("$1", in: schema)))
                SELECT 1 / (count(*) = pg_catalog.cardinality($1))::int FROM moved
                """)
    }

    /// Gives the ids that it has moved.
    private static func sql(_ ids: String, in schema: OutboxSchema, onlyWhere: String = "") -> String {
        """
        UPDATE \(schema.table) AS o SET published_at = clock_timestamp()
          WHERE o.published_at IS NULL AND o.id = ANY(\(ids)) \(onlyWhere) RETURNING o.id
        """
    }

    /// Moves all of these rows, in a statement of its own.
    func moveAll(_ ids: [Int64]) async throws {
        let tables = try await connection.execute(Self.sql(ids.arraySQL, in: schema))
        guard tables.first?.rowCount == ids.count else { throw RowsWereSkipped() }
    }

    /// Moves what can be moved, each row on its own where it must be.
    ///
    /// - Returns: what cannot be.
    /// - Throws: what the statement is at fault for itself.
    func move(_ ids: [Int64]) async throws -> [RowFault] {
        let found = try await RowNarrowing(of: ids, mayGoOn: mayGoOn) { part in try await attempt(part) }
        return faults(found, .mark)
    }

    /// Moves all of these rows, as far as no trigger or rule keeps them, or none.
    ///
    /// - Parameters:
    ///   - before: what is done with them first.
    ///   - onlyWhere: a further condition, beginning with AND.
    func attempt(_ ids: ArraySlice<Int64>, before: String = "", onlyWhere: String = "") async throws -> [Int64] {
        try await connection.inSavepoint {
            let tables = try await connection.execute(
                before + Self.sql(Array(ids).arraySQL, in: schema, onlyWhere: onlyWhere))
            let moved = tables.last?.rows.compactMap { $0.int(0) } ?? []
            if moved.count < ids.count { try await check(Set(ids).subtracting(moved).sorted()) }
            return moved
        }
    }

    /// All of them are locked by this transaction: what did not move must still be there.
    private func check(_ ids: [Int64]) async throws {
        let standing = try await connection.query(
            "SELECT id FROM \(schema.table) WHERE published_at IS NULL AND id = ANY($1::bigint[])", [.int8Array(ids)])
        if standing.rowCount != ids.count { throw RowsVanished() }
    }

    func faults(_ found: RowNarrowing, _ work: RowFault.Work) -> [RowFault] {
        found.failures.map { RowFault(id: $0.id, work: work, reason: $0.reason) }
            + found.skipped.map { RowFault(id: $0, work: work, reason: Self.skipped) }
            + found.untried.map { RowFault(id: $0, work: work, reason: RowFault.untried) }
    }
}

/// A trigger or a rule let rows vanish that were to move: one that returns NULL for the insert into the published leaf.
/// The move is undone.
private struct RowsVanished: Error, CustomStringConvertible {
    let description = "a trigger or rule on the outbox drops the row when it moves to the published leaf"
}

/// Fewer rows moved than were named, though nothing failed: a trigger or a rule keeps some.
private struct RowsWereSkipped: Error {}
