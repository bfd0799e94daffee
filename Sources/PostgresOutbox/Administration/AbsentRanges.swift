import Libpq
import RelayCore

/// Keeps `outbox_absent` in step with cursors that are set, in the transaction that sets them.
///
/// Ranges are disjoint, so their order by `first_id` is that of `last_id`: the primary key finds all that is to go, and
/// what stays is not read, however much of it there is.
struct AbsentRanges: Sendable {
    /// How many ids one statement reads, and how many ranges one inserts.
    private static let page = 10_000

    private let session: Session

    init(_ session: Session) {
        self.session = session
    }

    func apply(_ change: RangesChange) async throws(Refusal) {
        // With the last sink all of them go; the bound above which one would stay is no id.
        let (next, isLast) = (change.keptAbove ?? .max).addingReportingOverflow(1)
        guard !isLast else { return try await session.run("DELETE FROM \(absent)") }
        try await session.run(
            """
            WITH gone AS (DELETE FROM \(absent) WHERE first_id < $1::bigint RETURNING last_id)
            INSERT INTO \(absent) (first_id, last_id) SELECT $1::bigint, last_id FROM gone WHERE last_id >= $1::bigint
            """, [.int(next)])
        guard let added = change.added else { return }
        try await insert(change.newRanges(owed: try await owed(in: added)))
    }

    private func owed(in span: AbsentSpan) async throws(Refusal) -> [Int64] {
        var ids: [Int64] = []
        var above = span.low
        while true {
            let found = try await Inspector(session).rows(
                """
                SELECT DISTINCT id FROM \(session.schema.table("outbox_late"))
                WHERE id > $1::bigint AND id <= $2::bigint ORDER BY id LIMIT \(Self.page)
                """, [.int(above), .int(span.high)]
            ).compactMap { $0.int(0) }
            ids += found
            guard found.count == Self.page, let last = found.last else { return ids }
            above = last
        }
    }

    private func insert(_ ranges: IDRanges) async throws(Refusal) {
        for start in stride(from: 0, to: ranges.ranges.count, by: Self.page) {
            let page = ranges.ranges[start..<min(start + Self.page, ranges.ranges.count)]
            try await session.run(
                """
                INSERT INTO \(absent) (first_id, last_id) SELECT first_id, last_id
                FROM unnest($1::bigint[], $2::bigint[]) AS r (first_id, last_id)
                """, [.int8Array(page.map(\.first)), .int8Array(page.map(\.last))])
        }
    }

    private var absent: SQLText { session.schema.table("outbox_absent") }
}
