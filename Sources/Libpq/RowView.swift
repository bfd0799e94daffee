import CLibpq

/// One row inside libpq's own buffer. Valid only within the closure, or beside the result, that gave it.
///
/// Columns count from 0; one that does not exist reads as NULL.
@safe
package struct RowView {
    private let result: OpaquePointer
    private let row: Int32

    init(result: OpaquePointer, row: Int32) {
        unsafe self.result = unsafe result
        self.row = row
    }

    /// How many columns the row has.
    package var columnCount: Int { Int(unsafe PQnfields(result)) }

    /// Whether the value is NULL.
    package func isNull(_ column: Int) -> Bool {
        // libpq answers 1 for a row or a column that does not exist.
        unsafe PQgetisnull(result, row, Int32(truncatingIfNeeded: column)) != 0
    }

    /// The value as the server sent it, in text format; `nil` is NULL. Not to be kept beyond the row.
    package func bytes(column: Int) -> UnsafeRawBufferPointer? {
        guard !isNull(column) else { return nil }
        let column = Int32(truncatingIfNeeded: column)
        guard let start = unsafe PQgetvalue(result, row, column) else { return nil }
        return unsafe UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column)))
    }

    /// The value as a string; `nil` is NULL. The session speaks UTF-8.
    package func string(_ column: Int) -> String? {
        unsafe bytes(column: column).map { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The value as an integer; `nil` is NULL, or text that is no 64-bit integer.
    package func int(_ column: Int) -> Int64? {
        guard let bytes = unsafe bytes(column: column) else { return nil }
        return unsafe Int64(bigint: bytes)
    }

    /// The value as a boolean; `nil` is NULL, or text other than `t` and `f`.
    package func bool(_ column: Int) -> Bool? {
        guard let bytes = unsafe bytes(column: column), bytes.count == 1 else { return nil }
        switch unsafe bytes[0] {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: return nil
        }
    }
}

/// A row never leaves the thread of its connection, or the table it belongs to.
@available(*, unavailable)
extension RowView: Sendable {}
