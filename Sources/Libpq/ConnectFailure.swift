/// What libpq's text about a failed connection says, taken apart.
///
/// libpq 15 gives no SQLSTATE for a failed start. With `PQERRORS_VERBOSE` its text carries one:
/// `connection to server at "h" (::1), port 5432 failed: FATAL:  28P01: password authentication failed …`, then
/// `LOCATION:` and maybe `DETAIL:` and `HINT:` lines. The code does not depend on the server's language.
struct ConnectFailure {
    private var attempts: [(sqlState: String?, message: String)] = []
    private var detail: String?
    private var hint: String?

    /// Reads libpq's text, which holds one paragraph per host tried.
    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            if let value = Self.value(of: line, label: "DETAIL:") {
                detail = value
            } else if let value = Self.value(of: line, label: "HINT:") {
                hint = value
            } else if !line.hasPrefix("\t") && !line.hasPrefix("LOCATION:") && !line.hasPrefix("CONTEXT:") {
                attempts.append(Self.attempt(trimmed(line)))
            }
        }
    }

    /// The error to throw, without the given secrets: the server's word about a password if there was one, since
    /// libpq may have gone on to an attempt without TLS that fails for a lesser reason; else the last attempt's.
    func error(hiding secrets: [String]) -> PostgresError {
        let told = attempts.last { $0.sqlState == "28P01" } ?? attempts.last { $0.sqlState != nil } ?? attempts.last
        let message = told?.message ?? ""
        return PostgresError(
            .connection, Self.hide(secrets, in: message.isEmpty ? "the server cannot be reached" : message),
            sqlState: told?.sqlState, detail: detail.map { Self.hide(secrets, in: $0) },
            hint: hint.map { Self.hide(secrets, in: $0) }, connectionIsLost: true)
    }

    /// Whether the text is libpq's refusal of an option or of a service file, said before it tried any host.
    static func namesBadOption(_ text: String) -> Bool {
        let starts = [
            "invalid ", "could not match ", "definition of service ", "service file ", "syntax error in service",
        ]
        return starts.contains { text.hasPrefix($0) } || text.contains("invalid when SSL support is not compiled in")
            || text.contains("invalid port number:") || text.contains("service file \"")
    }

    /// Replaces each secret; one or two characters would match by chance and hide the sense of the message.
    private static func hide(_ secrets: [String], in text: String) -> String {
        secrets.filter { $0.count > 2 }.reduce(text) { $0.replacing($1, with: "***") }
    }

    private static func value(of line: Substring, label: String) -> String? {
        line.hasPrefix(label) ? trimmed(line.dropFirst(label.count)) : nil
    }

    /// Takes `SEVERITY:  SQLSTATE: ` out of a line; the severity is in the server's language.
    private static func attempt(_ line: String) -> (sqlState: String?, message: String) {
        guard let found = line.firstRange(of: #/:  [0-9A-Z]{5}: /#) else { return (nil, line) }
        let sqlState = String(line[found].dropFirst(3).prefix(5))
        let before = line[..<found.lowerBound]
        let start = before.ranges(of: "failed: ").last?.upperBound ?? before.startIndex
        return (sqlState, line[..<start] + String(line[found.upperBound...]))
    }
}
