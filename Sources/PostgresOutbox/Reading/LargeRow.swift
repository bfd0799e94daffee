import Libpq
import RelayCore

/// A row whose payload is read in pieces: libpq keeps what it receives twice, and never gives its own buffer back.
struct LargeRow: Sendable {
    /// Bytes of a piece.
    private static let piece = 4 << 20

    let id: Int64
    /// Where it is: what follows FROM, with `$1` for the id.
    let place: SQLText
    /// What that names as `$2`, ….
    var more: [Parameter] = []

    /// One row of the outbox, also where an id is in both leaves.
    static func place(in schema: OutboxSchema) -> SQLText {
        "\(schema.table) WHERE id = $1::bigint ORDER BY published_at NULLS FIRST LIMIT 1"
    }

    /// Appends the row to what was read; nothing where it is not there any more.
    func append(to rows: consuming EventRows, on connection: Connection) async throws -> EventRows {
        let begun = try await connection.rows(
            """
            SELECT id, aggregate_type, aggregate_id, event_type, NULL, headers, created_at, xmin,
              pg_catalog.octet_length(pg_catalog.convert_to(payload::text, 'UTF8')) FROM \(place)
            """, [.int(id)] + more, into: rows
        ) { rows, row in
            try rows.builder.beginSpliced(
                EventColumns(row), payloadWidth: Int(row.int(8) ?? 0), transaction: row.transaction)
        }
        // The text is made once, before it is cut; the pieces come in the order in which the series is made.
        return try await connection.rows(
            """
            SELECT pg_catalog.substr(o.bytes, part, \(Self.piece))
            FROM (SELECT pg_catalog.convert_to(payload::text, 'UTF8') AS bytes FROM \(place)) AS o,
              pg_catalog.generate_series(1, pg_catalog.octet_length(o.bytes), \(Self.piece)) AS part
            """, [.int(id)] + more, binary: true, into: begun
        ) { rows, row in
            if let piece = row.bytes(column: 0) { try rows.builder.splice(piece) }
        }
    }
}
