/// What one statement returned: rows in text format, or a command's tag without columns.
///
/// Rows and columns count from 0; one that does not exist reads as NULL. Sendable because it is immutable: it owns a
/// `PGresult` that nobody writes to (see `LibpqResult`).
package final class ResultTable: Sendable {
    private let result: LibpqResult

    /// How many rows came.
    package let rowCount: Int
    /// How many columns each row has; 0 for a command.
    package let columnCount: Int

    init(_ result: consuming LibpqResult) {
        rowCount = result.rowCount
        columnCount = result.columnCount
        self.result = result
    }

    /// The names of the columns, in order.
    package var columnNames: [String] { (0..<columnCount).map { result.columnName($0) } }

    /// What the server says it did, such as `UPDATE 3`.
    package var commandTag: String { result.commandTag }

    /// The count in the command tag: rows selected, inserted, updated, deleted, moved; 0 where it has none.
    package var affectedRows: Int { result.affectedRows }

    /// The first column with this name.
    package func column(named name: String) -> Int? {
        (0..<columnCount).first { result.columnName($0) == name }
    }

    /// Reads one row; it holds the table, so it may be kept.
    package subscript(row: Int) -> Row { Row(table: self, row: row) }

    /// Every row, in order.
    package var rows: [Row] { (0..<rowCount).map { self[$0] } }

    /// Whether the value is NULL.
    package func isNull(_ row: Int, _ column: Int) -> Bool { result.row(row).isNull(column) }

    /// The value as a string; `nil` is NULL.
    package func string(_ row: Int, _ column: Int) -> String? { result.row(row).string(column) }

    /// The value as an integer; `nil` is NULL, or text that is no 64-bit integer.
    package func int(_ row: Int, _ column: Int) -> Int64? { result.row(row).int(column) }

    /// The value as a boolean; `nil` is NULL, or no boolean.
    package func bool(_ row: Int, _ column: Int) -> Bool? { result.row(row).bool(column) }

    /// One row of a table that it keeps alive.
    package struct Row: Sendable {
        let table: ResultTable
        let row: Int

        /// Whether the value is NULL.
        package func isNull(_ column: Int) -> Bool { table.isNull(row, column) }
        /// The value as a string; `nil` is NULL.
        package func string(_ column: Int) -> String? { table.string(row, column) }
        /// The value as an integer; `nil` is NULL, or text that is no 64-bit integer.
        package func int(_ column: Int) -> Int64? { table.int(row, column) }
        /// The value as a boolean; `nil` is NULL, or no boolean.
        package func bool(_ column: Int) -> Bool? { table.bool(row, column) }
    }
}
