import Libpq
import RelayCore

/// A part of `outbox_absent`, as its rows are: all that a decision needs, however many others there are.
struct AbsentRows: Sendable {
    private let rows: [IDRange]

    var ranges: IDRanges { IDRanges(rows) }

    /// The rows that meet `span`, or adjoin it: found by the index on `first_id`.
    static func touching(
        _ span: IDRanges, in stored: StoredState, _ connection: Connection
    ) async throws -> AbsentRows {
        guard stored.hasAbsent, !span.isEmpty else { return AbsentRows(rows: []) }
        let values = span.ranges.map { range in
            let (before, behind) = (
                range.first == .min ? .min : range.first - 1, range.last == .max ? .max : range.last + 1
            )
            return "(\(range.first.sql), \(before.sql), \(behind.sql))"
        }
        let table = try await connection.query(
            """
            SELECT DISTINCT a.first_id, a.last_id FROM (VALUES \(values.joined(separator: ", "))) AS s (low, before, behind)
            CROSS JOIN LATERAL (
              (SELECT first_id, last_id FROM outbox_absent WHERE first_id < s.low ORDER BY first_id DESC LIMIT 1)
              UNION ALL
              (SELECT first_id, last_id FROM outbox_absent WHERE first_id >= s.low AND first_id <= s.behind)) AS a
            WHERE a.last_id >= s.before ORDER BY 1
            """)
        return AbsentRows(
            rows: table.rows.compactMap { row in
                guard let first = row.int(0), let last = row.int(1) else { return nil }
                return IDRange(first, last)
            })
    }

    /// The statements after which `ranges` are in the place of these rows.
    func statements(for ranges: IDRanges) -> String {
        let (removed, inserted) = ranges.changes(from: rows)
        var sql = ""
        if !removed.isEmpty {
            sql += "DELETE FROM outbox_absent WHERE first_id = ANY(\(removed.map(\.first).arraySQL));\n"
        }
        if !inserted.isEmpty {
            sql += "INSERT INTO outbox_absent (first_id, last_id) VALUES \(IDRanges(inserted).valuesSQL);\n"
        }
        return sql
    }

    /// The statement after which no range is left but within `span`. Ranges are disjoint, so that only the last one that
    /// begins within may reach beyond.
    static func trim(to span: AbsentSpan) -> String {
        let begin = span.low == .max ? .max : span.low + 1
        return """
            WITH cut AS (DELETE FROM outbox_absent WHERE first_id = ANY(ARRAY(
                SELECT first_id FROM outbox_absent WHERE first_id <= \(span.low.sql)
                UNION ALL SELECT first_id FROM outbox_absent WHERE first_id > \(span.high.sql)
                UNION ALL SELECT first_id FROM (SELECT first_id, last_id FROM outbox_absent
                  WHERE first_id <= \(span.high.sql) ORDER BY first_id DESC LIMIT 1) AS l WHERE last_id > \(span.high.sql)))
              RETURNING first_id, last_id),
            left_over AS (SELECT greatest(first_id, \(begin.sql)) AS first_id, least(last_id, \(span.high.sql)) AS last_id
              FROM cut WHERE last_id > \(span.low.sql) AND first_id <= \(span.high.sql))
            INSERT INTO outbox_absent (first_id, last_id) SELECT first_id, last_id FROM left_over WHERE first_id <= last_id;

            """
    }
}
