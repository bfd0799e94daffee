import Libpq
import RelayCore

/// Counts what a sink that nobody serves holds back, a page at a time: up to a million rows, or for a second.
struct HeldRowsQuery: Sendable {
    /// Rows of one statement.
    private static let page = 10_000
    /// How long it may count.
    private static let patience = Duration.seconds(1)
    /// Bytes of a row beside its values: its header, its place in the page, its entry in the index.
    private static let overhead = 64

    private let session: Session

    init(_ session: Session) {
        self.session = session
    }

    /// The unpublished rows above the sink's cursor, or above what it passes.
    func run(of sink: String) async throws(PostgresError) -> HeldRows {
        let started = ContinuousClock.now
        var held = HeldRows(rows: 0, bytes: 0)
        guard var first = try await lowestID(of: sink) else { return held }
        let bytesPerRow = try await bytesPerRow(from: first)
        while true {
            let table = try await session.connection.query(
                """
                SELECT count(*), max(id) FROM (
                  SELECT id FROM \(session.schema.unpublished) WHERE id >= $1 ORDER BY id LIMIT \(Self.page)) AS p
                """, [.int(first)])
            let count = table.int(0, 0) ?? 0
            held.rows += count
            held.bytes = Int64(Double(held.rows) * bytesPerRow)
            guard count == Self.page, let last = table.int(0, 1), last < .max else { return held }
            if held.rows >= HeldRows.countLimit || ContinuousClock.now - started > Self.patience {
                held.areMore = true
                return held
            }
            first = last + 1
        }
    }

    /// Nil where it lacks nothing, since it goes, or begins at the end.
    private func lowestID(of sink: String) async throws(PostgresError) -> Int64? {
        let row = try await session.connection.query(
            """
            SELECT start, greatest(delivered_through, pass_through) FROM \(session.schema.table("outbox_sink"))
            WHERE name = $1 AND NOT removing
            """, [.text(sink)]
        ).rows.first
        guard let row else { return nil }
        switch row.string(0) {
        case nil: return row.int(1).flatMap { $0 < .max ? $0 + 1 : nil }
        case "oldest"?: return .min
        default: return nil
        }
    }

    /// As they stand on the disk, compressed or out of line: no payload is read for it.
    private func bytesPerRow(from first: Int64) async throws(PostgresError) -> Double {
        let text = try await session.connection.query(
            """
            SELECT coalesce(avg(bytes), 0)::float8 FROM (
              SELECT \(Self.overhead) + pg_column_size(aggregate_type) + pg_column_size(aggregate_id)
                + pg_column_size(event_type) + pg_column_size(payload) + pg_column_size(headers) AS bytes
              FROM \(session.schema.unpublished) WHERE id >= $1 ORDER BY id LIMIT \(Self.page)) AS p
            """, [.int(first)])
        return text.string(0, 0).flatMap(Double.init) ?? 0
    }
}
