import Libpq
import RelayCore

/// Somebody else leads: the epoch was raised.
package struct Deposed: Error, Hashable, Sendable, CustomStringConvertible {
    package let description = "another relay leads"

    package init() {}
}

/// What the relay's own tables say before anything is written.
struct StoredState: Sendable {
    var sinks: [SinkRegistration]
    /// Whether there are ranges of absent ids: see ``AbsentRows``.
    var hasAbsent: Bool
    /// Whether anything is owed to anybody: see ``OwedRows``.
    var hasOwed: Bool

    /// The sinks, each with the epoch, and whether there are ranges and owed rows; one row without a sink where there is
    /// none.
    private static let text: SQLText = """
        SELECT s.name, s.generation, s.delivered_through, s.earned, s.start, s.pass_through, s.removing,
          l.epoch, EXISTS (SELECT FROM outbox_absent), EXISTS (SELECT FROM outbox_late)
        FROM outbox_leader AS l LEFT JOIN outbox_sink AS s ON true ORDER BY s.name
        """

    /// - Parameters:
    ///   - lock: the mode in which `outbox_sink` is locked before anything is read; with it an administrator's change is
    ///     either seen or waits.
    ///   - begins: whether the transaction begins here.
    /// - Throws: ``Deposed`` where the epoch is not `epoch`.
    static func read(
        _ connection: Connection, epoch: Int64, lock: SQLText = "ROW EXCLUSIVE", begins: Bool
    ) async throws -> StoredState {
        let locking = Statement("LOCK TABLE outbox_sink IN \(lock) MODE")
        let tables = try await connection.run((begins ? [.begin] : []) + [locking, Statement(text, prepares: true)])
        guard let table = tables.last, let stored = table.rows.first?.int(7) else {
            throw PostgresError(.protocolViolation, "the relay's tables cannot be read")
        }
        guard stored == epoch else { throw Deposed() }
        return StoredState(
            sinks: table.rows.compactMap(SinkRegistration.init), hasAbsent: table.bool(0, 8) ?? true,
            hasOwed: table.bool(0, 9) ?? true)
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
