import CLibpq

/// One `PGresult`, cleared with its last owner.
///
/// Sendable although it holds a C pointer: a `PGresult` is read-only once libpq has given it out and "can be passed
/// around freely between threads" (PostgreSQL documentation, 34.20); nothing here writes to it.
@safe
struct LibpqResult: ~Copyable, @unchecked Sendable {
    private let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe PQclear(pointer) }

    var status: ExecStatusType { unsafe PQresultStatus(pointer) }
    var rowCount: Int { Int(unsafe PQntuples(pointer)) }
    var columnCount: Int { Int(unsafe PQnfields(pointer)) }

    /// What the server says it did, such as `INSERT 0 3`.
    var commandTag: String { unsafe string(PQcmdStatus(pointer)) ?? "" }

    /// The count in the command tag; 0 where it has none.
    var affectedRows: Int { unsafe string(PQcmdTuples(pointer)).flatMap { Int($0) } ?? 0 }

    func columnName(_ column: Int) -> String {
        unsafe string(PQfname(pointer, Int32(truncatingIfNeeded: column))) ?? ""
    }

    /// A view of one row, valid while this result lives.
    func row(_ index: Int) -> RowView {
        unsafe RowView(result: pointer, row: Int32(truncatingIfNeeded: index))
    }

    /// The error that this result carries, if it is one.
    var error: PostgresError? {
        let status = status
        guard status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE else { return nil }
        let severity = field("V") ?? field("S")
        let message = unsafe field("M") ?? string(PQresultErrorMessage(pointer)) ?? ""
        let isLost = severity == "FATAL" || severity == "PANIC"
        return PostgresError(
            isLost ? .connection : .server, message.isEmpty ? "the server gave no reason" : message,
            sqlState: field("C"), detail: field("D"), hint: field("H"), constraint: field("n"),
            routine: field("R"), connectionIsLost: isLost)
    }

    /// A field of the error by its letter in the protocol (PostgreSQL documentation, 55.8).
    private func field(_ letter: Unicode.Scalar) -> String? {
        unsafe string(PQresultErrorField(pointer, Int32(letter.value)))
    }

    private func string(_ text: UnsafePointer<CChar>?) -> String? {
        unsafe text.map { unsafe String(cString: $0) }
    }

    private func string(_ text: UnsafeMutablePointer<CChar>?) -> String? {
        unsafe text.map { unsafe String(cString: $0) }
    }
}
