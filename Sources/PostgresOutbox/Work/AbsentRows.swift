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
        let table = try await connection.query(
            """
            SELECT DISTINCT a.first_id, a.last_id
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS s (low, before, behind)
            CROSS JOIN LATERAL (
              (SELECT first_id, last_id FROM outbox_absent WHERE first_id < s.low ORDER BY first_id DESC LIMIT 1)
              UNION ALL
              (SELECT first_id, last_id FROM outbox_absent WHERE first_id >= s.low AND first_id <= s.behind)) AS a
            WHERE a.last_id >= s.before ORDER BY 1
            """,
            [
                .int8Array(span.ranges.map(\.first)),
                .int8Array(span.ranges.map { $0.first == .min ? .min : $0.first - 1 }),
                .int8Array(span.ranges.map { $0.last == .max ? .max : $0.last + 1 }),
            ], prepares: true)
        return AbsentRows(
            rows: table.rows.compactMap { row in
                guard let first = row.int(0), let last = row.int(1) else { return nil }
                return IDRange(first, last)
            })
    }

    /// The statements after which `ranges` are in the place of these rows.
    func statements(for ranges: IDRanges) -> [Statement] {
        let (removed, inserted) = ranges.changes(from: rows)
        var statements: [Statement] = []
        if !removed.isEmpty {
            statements.append(
                Statement(
                    "DELETE FROM outbox_absent WHERE first_id = ANY($1::bigint[])",
                    [.int8Array(removed.map(\.first))]))
        }
        if !inserted.isEmpty {
            statements.append(
                Statement(
                    """
                    INSERT INTO outbox_absent (first_id, last_id)
                      SELECT first_id, last_id FROM unnest($1::bigint[], $2::bigint[]) AS r (first_id, last_id)
                    """, IDRanges(inserted).parameters))
        }
        return statements
    }

    /// The statement after which no range is left but within `span`. Ranges are disjoint, so that only the last one that
    /// begins within may reach beyond.
    static func trim(to span: AbsentSpan) -> Statement {
        Statement(
            """
            WITH cut AS (DELETE FROM outbox_absent WHERE first_id = ANY(ARRAY(
                SELECT first_id FROM outbox_absent WHERE first_id <= $1::bigint
                UNION ALL SELECT first_id FROM outbox_absent WHERE first_id > $2::bigint
                UNION ALL SELECT first_id FROM (SELECT first_id, last_id FROM outbox_absent
                  WHERE first_id <= $2::bigint ORDER BY first_id DESC LIMIT 1) AS l WHERE last_id > $2::bigint))
              RETURNING first_id, last_id),
            left_over AS (SELECT greatest(first_id, $3::bigint) AS first_id, least(last_id, $2::bigint) AS last_id
              FROM cut WHERE last_id > $1::bigint AND first_id <= $2::bigint)
            INSERT INTO outbox_absent (first_id, last_id) SELECT first_id, last_id FROM left_over WHERE first_id <= last_id
            """, [.int(span.low), .int(span.high), .int(span.low == .max ? .max : span.low + 1)])
    }
}
