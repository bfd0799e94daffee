import Libpq
import RelayCore

/// Reads what lanes off the tail lack, from both leaves and without locks.
package actor TableReader {
    private let connection: Connection
    private let source: String
    private var portion = PortionSize()

    package init(_ session: Session, source: String) {
        connection = session.connection
        self.source = source
    }

    /// The lowest rows above `request.after`, published or not, ascending.
    package func read(_ request: ReadRequest) async throws -> FetchedRows {
        if request.idsOnly { return try await readIDs(request) }
        let limit = portion.rows(in: request.bytes, atMost: request.rows)
        let bounds = "id > \(request.after) AND id <= \(request.through) ORDER BY id LIMIT \(limit)"
        let rows = try await connection.rows(
            """
            SELECT \(EventRows.readColumns) FROM (
              (SELECT \(EventRows.columns) FROM outbox_unpublished WHERE \(bounds))
              UNION ALL
              (SELECT \(EventRows.columns) FROM outbox_published WHERE \(bounds))
            ) AS o ORDER BY id LIMIT \(limit)
            """, into: EventRows(source: source, byteLimit: request.bytes)
        ) { state, row in try state.append(row) }
        portion.learn(rows: rows.builder.count, bytes: rows.builder.byteCount)
        var taken = try await whole(rows)
        let reachedEnd = taken.isWhole && taken.seen < limit
        let batch = taken.builder.finish()
        return FetchedRows(batch: batch, ids: batch.ids, reachedEnd: reachedEnd)
    }

    private func readIDs(_ request: ReadRequest) async throws -> FetchedRows {
        let bounds = "id > \(request.after) AND id <= \(request.through) ORDER BY id LIMIT \(request.rows)"
        let table = try await connection.query(
            """
            SELECT id FROM (
              (SELECT id FROM outbox_unpublished WHERE \(bounds)) UNION ALL (SELECT id FROM outbox_published WHERE \(bounds))
            ) AS o ORDER BY id LIMIT \(request.rows)
            """)
        let ids = table.rows.compactMap { $0.int(0) }
        return FetchedRows(batch: nil, ids: ids, reachedEnd: ids.count < request.rows)
    }

    /// The rows of these ids that are still there, ascending, as far as they fit into `bytes`.
    package func readLate(_ ids: [Int64], bytes: Int) async throws -> FetchedRows {
        let rows = try await connection.rows(
            """
            SELECT \(EventRows.readColumns) FROM (
              SELECT \(EventRows.columns) FROM outbox_unpublished WHERE id = ANY(\(ids.arraySQL))
              UNION ALL
              SELECT \(EventRows.columns) FROM outbox_published WHERE id = ANY(\(ids.arraySQL))
            ) AS o ORDER BY id
            """, into: EventRows(source: source, byteLimit: bytes)
        ) { state, row in try state.append(row) }
        var taken = try await whole(rows)
        let isWhole = taken.isWhole
        let batch = taken.builder.finish()
        return FetchedRows(batch: batch, ids: batch.ids, reachedEnd: isWhole)
    }

    /// The parked events of these ids, from their copies, ascending, as far as they fit into `bytes`.
    package func readParked(_ sink: String, _ ids: [Int64], bytes: Int) async throws -> FetchedRows {
        let rows = try await connection.rows(
            """
            SELECT \(EventRows.readColumns) FROM outbox_parked
            WHERE sink = \(quotedLiteral(sink)) AND id = ANY(\(ids.arraySQL)) ORDER BY id
            """, into: EventRows(source: source, byteLimit: bytes)
        ) { state, row in try state.append(row) }
        var taken = try await whole(rows, from: "outbox_parked WHERE sink = \(quotedLiteral(sink)) AND id = $1::bigint")
        let isWhole = taken.isWhole
        let batch = taken.builder.finish()
        return FetchedRows(batch: batch, ids: batch.ids, reachedEnd: isWhole)
    }

    private func whole(_ rows: consuming EventRows, from place: String = LargeRow.outbox) async throws -> EventRows {
        guard let id = rows.largeID else { return rows }
        return try await LargeRow(id: id, place: place).append(to: rows, on: connection)
    }

    package func close() async { await connection.close() }

    /// Cuts the session off, whatever it is doing.
    package nonisolated func abandon() { connection.abandon() }
}
