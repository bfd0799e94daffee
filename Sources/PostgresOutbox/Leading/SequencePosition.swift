import Libpq

/// The outbox's sequence as it is.
package struct SequencePosition: Hashable, Sendable {
    package var lastValue: Int64
    package var isCalled: Bool

    /// The highest id that was drawn; one below the first where none was.
    package var drawn: Int64 { isCalled || lastValue == .min ? lastValue : lastValue - 1 }

    /// The statement whose answer this is.
    static func text(of sequence: OutboxRelation) -> SQLText { "SELECT last_value, is_called FROM \(sequence)" }

    /// The same as two more columns of a statement that reads rows. A row that its snapshot shows was drawn before that
    /// was taken, and so before these are read.
    static func columnsSQL(of sequence: OutboxRelation) -> SQLText {
        "(SELECT last_value FROM \(sequence)), (SELECT is_called FROM \(sequence))"
    }

    init(_ table: ResultTable?) throws(PostgresError) {
        guard let table, let value = table.rowCount == 1 ? table.int(0, 0) : nil, let isCalled = table.bool(0, 1) else {
            throw PostgresError(.protocolViolation, "the outbox's sequence cannot be read")
        }
        lastValue = value
        self.isCalled = isCalled
    }

    /// Two columns of a row; nil where it has none there.
    init?(_ row: RowView, column: Int) {
        guard let value = row.int(column), let isCalled = row.bool(column + 1) else { return nil }
        lastValue = value
        self.isCalled = isCalled
    }

    init?(_ row: ResultTable.Row, column: Int) {
        guard let value = row.int(column), let isCalled = row.bool(column + 1) else { return nil }
        lastValue = value
        self.isCalled = isCalled
    }

    static func read(_ sequence: OutboxRelation, on connection: Connection) async throws -> SequencePosition {
        try SequencePosition(try await connection.query(text(of: sequence)))
    }
}
