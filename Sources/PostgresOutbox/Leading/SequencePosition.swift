import Libpq

/// The outbox's sequence as it stands.
package struct SequencePosition: Hashable, Sendable {
    package var lastValue: Int64
    package var isCalled: Bool

    /// The highest id that was drawn; one below the first where none was.
    package var drawn: Int64 { isCalled ? lastValue : lastValue - 1 }

    static let sql = "SELECT last_value, is_called FROM outbox_id_seq"

    init(_ table: ResultTable?) throws(PostgresError) {
        guard let table, let value = table.rowCount == 1 ? table.int(0, 0) : nil, let isCalled = table.bool(0, 1) else {
            throw PostgresError(.protocolViolation, "the outbox's sequence cannot be read")
        }
        lastValue = value
        self.isCalled = isCalled
    }

    static func read(_ connection: Connection) async throws -> SequencePosition {
        try SequencePosition(try await connection.query(sql))
    }
}
