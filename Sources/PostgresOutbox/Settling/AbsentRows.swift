import Libpq
import RelayCore

/// A part of `outbox_absent`, as its rows stand: all that a decision needs, however many others there are.
struct AbsentRows: Sendable {
    private let rows: [IDRange]

    var ranges: IDRanges { IDRanges(rows) }

    /// The rows that meet `span`, or adjoin it.
    static func touching(
        _ span: IDRanges, in stored: StoredState, _ connection: Connection
    ) async throws -> AbsentRows {
        guard stored.hasAbsent, !span.isEmpty else { return AbsentRows(rows: []) }
        return try await read(
            """
            SELECT DISTINCT a.first_id, a.last_id FROM (VALUES \(span.valuesSQL)) AS s (low, high) CROSS JOIN LATERAL (
              (SELECT first_id, last_id FROM outbox_absent WHERE first_id < s.low ORDER BY first_id DESC LIMIT 1)
              UNION ALL
              (SELECT first_id, last_id FROM outbox_absent WHERE first_id >= s.low AND first_id - 1 <= s.high)) AS a
            WHERE a.last_id >= s.low - 1 ORDER BY 1
            """, connection)
    }

    /// Every row.
    static func all(in stored: StoredState, _ connection: Connection) async throws -> AbsentRows {
        guard stored.hasAbsent else { return AbsentRows(rows: []) }
        return try await read("SELECT first_id, last_id FROM outbox_absent ORDER BY 1", connection)
    }

    private static func read(_ sql: String, _ connection: Connection) async throws -> AbsentRows {
        AbsentRows(
            rows: try await connection.query(sql).rows.compactMap { row in
                guard let first = row.int(0), let last = row.int(1) else { return nil }
                return IDRange(first, last)
            })
    }

    /// The statements after which `ranges` stand in the place of these rows.
    func statements(for ranges: IDRanges) -> String {
        let (removed, inserted) = ranges.changes(from: rows)
        var sql = ""
        if !removed.isEmpty {
            sql += "DELETE FROM outbox_absent WHERE first_id = ANY(\(removed.map(\.first).arraySQL));\n"
        }
        if !inserted.isEmpty {
            let values = inserted.map { "(\($0.first), \($0.last))" }.joined(separator: ", ")
            sql += "INSERT INTO outbox_absent (first_id, last_id) VALUES \(values);\n"
        }
        return sql
    }

    /// The statement after which no range stands but within `span`.
    static func trim(to span: AbsentSpan) -> String {
        """
        WITH cut AS (DELETE FROM outbox_absent WHERE first_id <= \(span.low) OR last_id > \(span.high)
          RETURNING greatest(first_id, \(span.low) + 1) AS first_id, least(last_id, \(span.high)) AS last_id)
        INSERT INTO outbox_absent (first_id, last_id) SELECT first_id, last_id FROM cut WHERE first_id <= last_id;

        """
    }
}
