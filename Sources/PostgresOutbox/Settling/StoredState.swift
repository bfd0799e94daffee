import Libpq
import RelayCore

/// Somebody else leads: the epoch was raised.
package struct Deposed: Error, Hashable, Sendable {
    package init() {}
}

/// The relay's own tables, read in one transaction by separate statements.
struct StoredState: Sendable {
    var sinks: [SinkRegistration]
    /// Whether there are ranges of absent ids: see ``AbsentRows``.
    var hasAbsent: Bool
    var late: [LateEntry]

    /// - Parameter lock: the mode in which `outbox_sink` is locked before anything is read; with it an
    ///   administrator's change is either seen or waits.
    static func statements(lock: String) -> String {
        """
        LOCK TABLE outbox_sink IN \(lock) MODE;
        SELECT epoch FROM outbox_leader;
        SELECT name, generation, delivered_through, earned, start, pass_through, removing FROM outbox_sink ORDER BY name;
        SELECT EXISTS (SELECT FROM outbox_absent);
        SELECT sink, id, delivered FROM outbox_late ORDER BY id, sink
        """
    }

    /// - Throws: ``Deposed`` where the epoch is not `epoch`.
    static func read(
        _ connection: Connection, epoch: Int64, lock: String = "ROW EXCLUSIVE", begins: Bool
    ) async throws -> StoredState {
        let tables = try await connection.execute((begins ? "BEGIN;\n" : "") + statements(lock: lock))
        guard tables.count >= 4, let stored = tables[tables.count - 4].rows.first?.int(0) else {
            throw PostgresError(.protocolViolation, "the relay's tables cannot be read")
        }
        guard stored == epoch else { throw Deposed() }
        return StoredState(
            sinks: tables[tables.count - 3].rows.compactMap(SinkRegistration.init),
            hasAbsent: tables[tables.count - 2].bool(0, 0) ?? false,
            late: tables[tables.count - 1].rows.compactMap { row in
                guard let sink = row.string(0), let id = row.int(1), let isDelivered = row.bool(2) else { return nil }
                return LateEntry(sink: sink, id: id, isDelivered: isDelivered)
            })
    }
}

extension SinkRegistration {
    /// A row of `name, generation, delivered_through, earned, start, pass_through, removing`.
    init?(_ row: ResultTable.Row) {
        guard let name = row.string(0), let generation = row.int(1), let cursor = row.int(2),
            let isEarned = row.bool(3),
            let isRemoving = row.bool(6)
        else { return nil }
        self.init(
            name: name, generation: generation, cursor: cursor, isEarned: isEarned,
            start: row.string(4).flatMap(Start.init), passThrough: row.int(5), isRemoving: isRemoving)
    }
}

/// The statements that bring `outbox_late` to what a decision says.
enum StoredWrites {
    static func enter(_ entries: [LateEntry]) -> String {
        guard !entries.isEmpty else { return "" }
        let values = entries.map { "(\(quotedLiteral($0.sink)), \($0.id), \($0.isDelivered))" }
        return "INSERT INTO outbox_late (sink, id, delivered) VALUES \(values.joined(separator: ", "))"
            + " ON CONFLICT (sink, id) DO NOTHING;\n"
    }

    static func remove(_ entries: [LateEntry]) -> String {
        bySink(entries).map { sink, ids in
            "DELETE FROM outbox_late WHERE sink = \(quotedLiteral(sink)) AND id = ANY(\(ids.arraySQL));\n"
        }.joined()
    }

    static func keep(_ entries: [LateEntry]) -> String {
        bySink(entries).map { sink, ids in
            "UPDATE outbox_late SET delivered = true WHERE sink = \(quotedLiteral(sink)) AND id = ANY(\(ids.arraySQL));\n"
        }.joined()
    }

    private static func bySink(_ entries: [LateEntry]) -> [(String, [Int64])] {
        Dictionary(grouping: entries, by: \.sink).map { ($0.key, $0.value.map(\.id).sorted()) }.sorted { $0.0 < $1.0 }
    }
}
