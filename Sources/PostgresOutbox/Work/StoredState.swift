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
    /// Whether anything is owed to anybody: see ``OwedRows``.
    var hasOwed: Bool

    /// - Parameter lock: the mode in which `outbox_sink` is locked before anything is read; with it an
    ///   administrator's change is either seen or waits.
    private static func statements(lock: String) -> String {
        """
        LOCK TABLE outbox_sink IN \(lock) MODE;
        EXECUTE outbox_epoch; EXECUTE outbox_sinks; EXECUTE outbox_standing
        """
    }

    private static func prepare(on connection: Connection) async throws {
        try await connection.prepareOnce("outbox_epoch", as: "SELECT epoch FROM outbox_leader")
        try await connection.prepareOnce(
            "outbox_sinks",
            as: """
                SELECT name, generation, delivered_through, earned, start, pass_through, removing FROM outbox_sink
                ORDER BY name
                """)
        try await connection.prepareOnce(
            "outbox_standing", as: "SELECT EXISTS (SELECT FROM outbox_absent), EXISTS (SELECT FROM outbox_late)")
    }

    /// - Throws: ``Deposed`` where the epoch is not `epoch`.
    static func read(
        _ connection: Connection, epoch: Int64, lock: String = "ROW EXCLUSIVE", begins: Bool
    ) async throws -> StoredState {
        try await prepare(on: connection)
        let tables = try await connection.execute((begins ? "BEGIN;\n" : "") + statements(lock: lock))
        guard tables.count >= 3, let stored = tables[tables.count - 3].rows.first?.int(0) else {
            throw PostgresError(.protocolViolation, "the relay's tables cannot be read")
        }
        guard stored == epoch else { throw Deposed() }
        return StoredState(
            sinks: tables[tables.count - 2].rows.compactMap(SinkRegistration.init),
            hasAbsent: tables[tables.count - 1].bool(0, 0) ?? true,
            hasOwed: tables[tables.count - 1].bool(0, 1) ?? true)
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
