import Libpq
import RelayCore

/// `outbox_late`: read by its indexes and in portions, since a sink that is down may be owed any number of rows.
///
/// One sink's rows are asked for as a range of `sink`, in the order `sink, id`. With `sink = $1` the index of ids has the
/// order of id as well; to the planner it is often the cheaper one, and it leads through what everybody else is owed.
enum OwedRows {
    /// What a settlement must know.
    static func facts(
        in span: IDRanges, _ stored: StoredState, _ connection: Connection
    ) async throws -> (entries: [OwedEntry], stillOwed: Set<String>) {
        guard stored.hasOwed, !span.isEmpty || stored.sinks.contains(where: \.isRemoving) else { return ([], []) }
        var entries: [OwedEntry] = []
        if !span.isEmpty {
            let table = try await connection.query(
                """
                SELECT l.sink, l.id, l.delivered FROM unnest($1::bigint[], $2::bigint[]) AS s (low, high)
                CROSS JOIN LATERAL (
                  SELECT sink, id, delivered FROM outbox_late WHERE id BETWEEN s.low AND s.high ORDER BY id) AS l
                ORDER BY 2, 1
                """, span.parameters)
            entries = table.rows.compactMap(OwedEntry.init)
        }
        var stillOwed: Set<String> = []
        for sink in stored.sinks where sink.isRemoving {
            let known = entries.filter { $0.sink == sink.name }.map(\.id)
            let more = try await connection.query(
                """
                SELECT id FROM outbox_late WHERE sink BETWEEN $1 AND $1 AND id <> ALL($2::bigint[])
                ORDER BY sink, id LIMIT 1
                """, [.text(sink.name), .int8Array(known)])
            if more.rowCount > 0 { stillOwed.insert(sink.name) }
        }
        return (entries, stillOwed)
    }

    /// Which of these ids are owed to anybody.
    static func entries(of ids: [Int64], _ connection: Connection) async throws -> [OwedEntry] {
        guard !ids.isEmpty else { return [] }
        return try await connection.query(
            "SELECT sink, id, delivered FROM outbox_late WHERE id = ANY($1::bigint[]) ORDER BY id, sink",
            [.int8Array(ids)]
        ).rows.compactMap(OwedEntry.init)
    }

    /// The lowest of what is owed to each sink.
    static func portions(of sinks: [String], _ connection: Connection) async throws -> [String: OwedPortion] {
        var portions: [String: OwedPortion] = [:]
        for sink in sinks {
            let table = try await connection.query(
                """
                (SELECT id, false FROM outbox_late WHERE sink BETWEEN $1 AND $1 AND NOT delivered
                 ORDER BY sink, id LIMIT \(OwedPortion.limit))
                UNION ALL
                (SELECT id, true FROM outbox_late WHERE sink BETWEEN $1 AND $1 AND delivered
                 ORDER BY sink, id LIMIT \(OwedPortion.limit))
                """, [.text(sink)])
            guard table.rowCount > 0 else { continue }
            var portion = OwedPortion()
            for row in table.rows {
                guard let id = row.int(0), let isDelivered = row.bool(1) else { continue }
                if isDelivered { portion.delivered.append(id) } else { portion.waiting.append(id) }
            }
            portion.isPart = portion.waiting.count >= OwedPortion.limit
            portions[sink] = portion
        }
        return portions
    }

    // MARK: - Statements

    static func enter(_ entries: [OwedEntry]) -> [Statement] {
        guard !entries.isEmpty else { return [] }
        return [
            Statement(
                """
                INSERT INTO outbox_late (sink, id, delivered)
                  SELECT sink, id, delivered FROM unnest($1::text[], $2::bigint[], $3::boolean[]) AS e (sink, id, delivered)
                  ON CONFLICT (sink, id) DO UPDATE SET delivered = outbox_late.delivered OR EXCLUDED.delivered
                """,
                [
                    .textArray(entries.map(\.sink)), .int8Array(entries.map(\.id)),
                    .boolArray(entries.map(\.isDelivered)),
                ])
        ]
    }

    static func remove(_ entries: [OwedEntry]) -> [Statement] {
        bySink(entries, "DELETE FROM outbox_late WHERE sink = $1 AND id = ANY($2::bigint[])")
    }

    static func keep(_ entries: [OwedEntry]) -> [Statement] {
        bySink(entries, "UPDATE outbox_late SET delivered = true WHERE sink = $1 AND id = ANY($2::bigint[])")
    }

    /// One statement for each sink, whose name is `$1`, with its ids as `$2`.
    private static func bySink(_ entries: [OwedEntry], _ text: SQLText) -> [Statement] {
        Dictionary(grouping: entries, by: \.sink).sorted { $0.key < $1.key }.map { sink, entries in
            Statement(text, [.text(sink), .int8Array(entries.map(\.id).sorted())])
        }
    }
}

extension OwedEntry {
    /// A row of `sink, id, delivered`.
    init?(_ row: ResultTable.Row) {
        guard let sink = row.string(0), let id = row.int(1), let isDelivered = row.bool(2) else { return nil }
        self.init(sink: sink, id: id, isDelivered: isDelivered)
    }
}
