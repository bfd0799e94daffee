import Libpq
import RelayCore

/// Whether rows can be read and encoded: they are, one after the other, and thrown away.
struct RowReadability: Sendable {
    let source: String

    /// - Throws: what a claim of these rows would fail with.
    func check(_ ids: [Int64], on connection: Connection) async throws {
        let source = source
        let large = try await connection.rows(
            "SELECT \(EventRows.readColumns) FROM outbox WHERE published_at IS NULL AND id = ANY($1::bigint[])",
            [.int8Array(ids)], into: [Int64]()
        ) { large, row in
            var one = EventRows(source: source, byteLimit: 1)
            try one.append(row)
            if let id = one.largeID { large.append(id) }
        }
        for id in large {
            _ = try await LargeRow(id: id).append(to: EventRows(source: source, byteLimit: 1), on: connection)
        }
    }
}
