/// What libpq's text about a failed connection says, taken apart.
///
/// libpq 15 gives no SQLSTATE for a failed start. With `PQERRORS_VERBOSE` its text carries one:
/// `connection to server at "h" (::1), port 5432 failed: FATAL:  28P01: password authentication failed …`, then
/// `LOCATION:` and maybe `DETAIL:` and `HINT:` lines. The code does not depend on the server's language.
struct ConnectErrorText {
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
            } else if !["\t", "LOCATION:", "CONTEXT:"].contains(where: { line.utf8.starts(with: $0.utf8) }) {
                take(Self.attempt(trimmed(line)))
            }
        }
    }

    /// Takes a line of an attempt. A sentence without a code goes on with what the line before it began: libpq adds what to
    /// do about a certificate that is not there.
    private mutating func take(_ line: (sqlState: String?, message: String)) {
        let isSentence = line.message.utf8.first.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) } ?? false
        if line.sqlState == nil, isSentence, let last = attempts.indices.last {
            attempts[last].message += ". " + line.message
        } else {
            attempts.append(line)
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
        let parts = ["invalid when SSL support is not compiled in", "invalid port number:", "service file \""]
        // By bytes: what follows may be a combining mark, which makes another character of the last one.
        return starts.contains { text.utf8.starts(with: $0.utf8) } || parts.contains { text.utf8.contains($0.utf8) }
    }

    /// Replaces each secret, byte by byte: to libpq it is no more than that, and a combining mark before or behind it
    /// makes other characters of the same bytes. One or two bytes would match by chance and hide the sense of the message.
    private static func hide(_ secrets: [String], in text: String) -> String {
        // The longest first, since a shorter one may be a part of it.
        let hidden = secrets.map { Array($0.utf8) }.filter { $0.count > 2 }.sorted { $0.count > $1.count }
        let bytes = hidden.reduce(Array(text.utf8)) { $0.replacing($1, with: Array("***".utf8)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func value(of line: Substring, label: String) -> String? {
        guard line.utf8.starts(with: label.utf8) else { return nil }
        return trimmed(Substring(line.utf8.dropFirst(label.utf8.count)))
    }

    /// Takes `SEVERITY:  SQLSTATE: ` out of a line; the severity is in the server's language.
    private static func attempt(_ line: String) -> (sqlState: String?, message: String) {
        guard let found = line.firstRange(of: #/:  [0-9A-Z]{5}: /#.matchingSemantics(.unicodeScalar)) else {
            return (nil, line)
        }
        let sqlState = String(line[found].dropFirst(3).prefix(5))
        let before = line[..<found.lowerBound]
        let start = before.ranges(of: "failed: ").last?.upperBound ?? before.startIndex
        return (sqlState, line[..<start] + String(line[found.upperBound...]))
    }
}
