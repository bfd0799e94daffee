import Libpq
import RelayCore

extension LeaderSession {
    /// A row that left and is another one now, or is missing in a way that no deletion explains.
    ///
    /// - Parameters:
    ///   - known: what the database was when the rows were handed over.
    ///   - settledThrough: the lowest cursor: what a leader since has settled may have been purged.
    func changedRow(
        _ rows: [DeliveredRow], known: DatabaseHistory?, settledThrough: Int64
    ) async throws -> TimeTravel? {
        guard !rows.isEmpty else { return nil }
        let table = try await query(HistoryQuery.changedRows(session.schema), HistoryQuery.parameters(rows))
        var missing: [MissingRow] = []
        for row in table.rows {
            guard let id = row.int(0) else { continue }
            guard row.bool(1) == true else { return .rowChanged(id: id) }
            if id > settledThrough { missing.append(MissingRow(id: id, isCommitted: row.bool(2) ?? false)) }
        }
        guard let first = missing.first else { return nil }
        guard let known else { return .rowChanged(id: first.id) }
        // After the rows: what was cut before they were looked for shows.
        let (now, lastValue) = try HistoryQuery.history(
            try await query(HistoryQuery.text(session.schema)), session.schema)
        return missing.timeTravel(since: known, now: now, lastValue: lastValue)
    }
}

extension TimeTravel {
    /// What was found, once more, as an SQL expression and its values: `$1`, `$2`, ….
    func condition(_ unsettled: [DeliveredRow], _ schema: OutboxSchema) -> Statement {
        switch self {
        case .sequenceBehind(_, let handed):
            Statement(
                "(SELECT last_value < $1 OR (last_value = $1 AND NOT is_called) FROM \(schema.sequence))",
                [.int(handed)])
        case .cursorBehind(let sink, let generation, _, let acknowledged):
            Statement(
                "EXISTS (SELECT FROM outbox_sink WHERE name = $1 AND generation = $2 AND delivered_through < $3)",
                [.text(sink), .int(generation), .int(acknowledged)])
        case .rowChanged(let id):
            Statement(
                "NOT EXISTS (SELECT FROM \(schema.table) WHERE id = $1 AND \(microsecondsSQL("created_at")) = $2)",
                [.int(id), .int(unsettled.first { $0.id == id }?.mark.createdAt ?? -1)])
        }
    }
}
