/// What went wrong with a connection or a statement.
///
/// No text in it holds a password: what libpq says about a connection string is never passed on, and what it says
/// while connecting has the secrets of the target taken out.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// Where the failure lies.
    package enum Kind: Sendable, Hashable {
        /// The connection string cannot be parsed, names an unknown option or gives one a value it does not take.
        case badTarget
        /// The server cannot be reached, refused the session, or the connection was lost.
        case connection
        /// The server answered a statement with an error; the connection stays usable.
        case server
        /// The caller's task was cancelled, or `Connection.cancelRunning()` was called.
        case cancelled
        /// The call's own time limit passed.
        case timeout
        /// The connection was closed or abandoned by this process.
        case closed
        /// The server or the caller did what the protocol does not allow at this point.
        case protocolViolation
    }

    /// Why a session could not be had.
    package enum ConnectionFailure: Sendable, Hashable {
        /// The server knows us and says no: password, `pg_hba.conf`, role, or no CONNECT privilege.
        case authentication
        /// There is no such database.
        case databaseMissing
        /// Refused, starting up, shutting down, in recovery, out of connections, silent: it may come back.
        case unavailable
    }

    /// Where the failure lies.
    package var kind: Kind
    /// The server's five characters (PostgreSQL documentation, appendix A), where it gave them.
    package var sqlState: String?
    /// The primary message: one line, trimmed, without a password.
    package var message: String
    /// The server's DETAIL, if any.
    package var detail: String?
    /// The server's HINT, if any.
    package var hint: String?
    /// The name of the violated constraint, if the server named one.
    package var constraint: String?
    /// The server's function that raised it, by which two errors of one SQLSTATE can be told apart.
    package var routine: String?
    /// Whether the connection is of no more use.
    package var connectionIsLost: Bool

    /// An error that this process states itself.
    package init(
        _ kind: Kind, _ message: String, sqlState: String? = nil, detail: String? = nil, hint: String? = nil,
        constraint: String? = nil, routine: String? = nil, connectionIsLost: Bool = false
    ) {
        self.kind = kind
        self.sqlState = sqlState
        self.message = oneLine(message)
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
        self.routine = routine
        self.connectionIsLost = connectionIsLost
    }

    /// Whether trying again, on a new connection if this one is lost, can help.
    package var canRetry: Bool {
        switch kind {
        case .badTarget, .cancelled, .closed, .protocolViolation: return false
        case .timeout: return true
        case .connection: return connectionFailure == .unavailable
        case .server:
            guard let sqlState else { return false }
            return Self.retryableClasses.contains(String(sqlState.prefix(2))) || Self.retryable.contains(sqlState)
        }
    }

    /// For a failure of the connection: why. `nil` for every other kind of error.
    package var connectionFailure: ConnectionFailure? {
        guard kind == .connection || kind == .timeout else { return nil }
        guard let sqlState else {
            // libpq's own words where the server asks for a password and none is there; no SQLSTATE comes with them.
            return message.contains("fe_sendauth") ? .authentication : .unavailable
        }
        if sqlState == "3D000" { return .databaseMissing }
        return sqlState.hasPrefix("28") || sqlState == "42501" ? .authentication : .unavailable
    }

    /// The message, then SQLSTATE, detail and hint in brackets where there are any.
    package var description: String {
        var notes: [String] = []
        if let sqlState { notes.append("SQLSTATE \(sqlState)") }
        if let detail { notes.append(oneLine(detail)) }
        if let hint { notes.append(oneLine(hint)) }
        return notes.isEmpty ? message : "\(message) (\(notes.joined(separator: "; ")))"
    }

    /// Connection exception, insufficient resources.
    private static let retryableClasses: Set<String> = ["08", "53"]

    /// Serialization failure, deadlock, object in use (a slot), lock not available, idle-in-transaction timeout,
    /// query cancelled by the server's own limits, and the server's ways of going down.
    private static let retryable: Set<String> = [
        "40001", "40P01", "55006", "55P03", "25P03", "57014", "57P01", "57P02", "57P03", "57P05",
    ]
}

/// The first line that says something, trimmed; messages are logged one to a line.
func oneLine(_ text: String) -> String {
    let lines = text.split(whereSeparator: \.isNewline)
    return lines.lazy.map(trimmed).first { !$0.isEmpty } ?? ""
}

/// The text without white space at its ends.
func trimmed(_ text: some StringProtocol) -> String {
    let head = text.drop(while: \.isWhitespace)
    guard let end = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(head[...end])
}
