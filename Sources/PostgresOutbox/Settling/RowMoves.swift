import Libpq
import RelayCore

/// Moves rows to the published leaf, in the transaction that is open.
enum RowMoves {
    static func statement(_ ids: [Int64]) -> String {
        "UPDATE outbox SET published_at = clock_timestamp() WHERE published_at IS NULL AND id = ANY(\(ids.arraySQL))"
    }

    /// Moves what can be moved, and finds the rows that cannot by halving: one bad row must not stop the others.
    static func halving(
        _ ids: ArraySlice<Int64>, on connection: Connection, _ unmovable: inout [UnmovableRow]
    ) async throws {
        guard !ids.isEmpty else { return }
        try await connection.execute("SAVEPOINT move")
        do {
            try await connection.execute(statement(Array(ids)) + "; RELEASE SAVEPOINT move")
        } catch {
            guard error.isAboutRows else { throw error }
            try await connection.execute("ROLLBACK TO SAVEPOINT move; RELEASE SAVEPOINT move")
            if ids.count == 1, let id = ids.first {
                unmovable.append(UnmovableRow(id: id, reason: error.message))
                return
            }
            let middle = ids.startIndex + ids.count / 2
            try await halving(ids[..<middle], on: connection, &unmovable)
            try await halving(ids[middle...], on: connection, &unmovable)
        }
    }
}

extension PostgresError {
    /// The error is in what a row holds (data exceptions, violated constraints, a trigger's word), not in the session.
    var isAboutRows: Bool {
        guard kind == .server, let sqlState else { return false }
        return ["22", "23", "44", "P0"].contains { sqlState.hasPrefix($0) }
    }
}
