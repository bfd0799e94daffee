import Libpq
import RelayCore

/// Which rows can be read and encoded: they are, and thrown away.
struct RowReadability: Sendable {
    let source: String
    let schema: OutboxSchema

    /// Those of these rows that cannot be read though others can, ascending; those that are not there count as readable.
    ///
    /// - Parameter mayGoOn: asked before every further part.
    /// - Throws: the fault of the statement, where no row is at fault.
    func faults(
        among ids: [Int64], on connection: Connection, mayGoOn: () -> Bool = { true }
    ) async throws -> [RowFault] {
        let narrowed = try await RowNarrowing(of: ids, mayGoOn: mayGoOn) { part in
            try await check(Array(part), on: connection)
            return Array(part)
        }
        return narrowed.failures.map { RowFault(id: $0.id, work: .read, reason: $0.reason) }.sorted { $0.id < $1.id }
    }

    /// - Throws: what a read of these rows would fail with.
    func check(_ ids: [Int64], on connection: Connection) async throws {
        let source = source
        let large = try await connection.rows(
            "SELECT \(EventRows.readColumns) FROM \(schema.table) WHERE id = ANY($1::bigint[])",
            [.int8Array(ids)], into: [Int64]()
        ) { large, row in
            var one = EventRows(source: source, byteLimit: 1)
            try one.append(row)
            if let id = one.largeID { large.append(id) }
        }
        for id in large {
            _ = try await LargeRow(id: id, place: LargeRow.place(in: schema))
                .append(to: EventRows(source: source, byteLimit: 1), on: connection)
        }
    }
}
