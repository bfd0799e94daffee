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

    /// Moves all of these rows and fails where fewer move, since what is sent behind it may be a COMMIT: a division by
    /// zero is what an expression can fail with.
    static func all(_ ids: [Int64], in schema: OutboxSchema) -> Statement {
        Statement(
            """
            WITH moved AS (\(text(in: schema)))
            SELECT 1 / (count(*) = pg_catalog.cardinality($1::bigint[]))::int FROM moved
            """, [.int8Array(ids)], prepares: true)
    }

    /// Moves rows whose ids are `$1`; gives the ids that it has moved.
    private static func text(in schema: OutboxSchema, onlyWhere: SQLText = "") -> SQLText {
        """
        UPDATE \(schema.table) AS o SET published_at = clock_timestamp()
          WHERE o.published_at IS NULL AND o.id = ANY($1::bigint[]) \(onlyWhere) RETURNING o.id
        """
    }

    /// Moves all of these rows, in a statement of its own.
    func moveAll(_ ids: [Int64]) async throws {
        let moved = try await connection.query(Self.text(in: schema), [.int8Array(ids)])
        guard moved.rowCount == ids.count else { throw RowsWereSkipped() }
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
    ///   - values: what that names as `$2`, `$3`, ….
    func attempt(
        _ ids: ArraySlice<Int64>, before: [Statement] = [], onlyWhere: SQLText = "", _ values: [Parameter] = []
    ) async throws -> [Int64] {
        try await connection.inSavepoint {
            let move = Statement(
                Self.text(in: schema, onlyWhere: onlyWhere), [.int8Array(Array(ids))] + values)
            let tables = try await connection.run(before + [move])
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
    let description = "a trigger or rule on the outbox drops the row when it moves to the published partition"
}

/// Fewer rows moved than were named, though nothing failed: a trigger or a rule keeps some.
private struct RowsWereSkipped: Error {}
