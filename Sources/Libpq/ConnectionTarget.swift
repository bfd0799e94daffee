import CLibpq

/// Where to connect and how: what a conninfo string or a `postgres://` URI says.
///
/// Environment, service file and password file are libpq's, read when a connection is opened.
package struct ConnectionTarget: Sendable, CustomStringConvertible {
    /// What was given, in libpq's order of keywords.
    private(set) var options: [(keyword: String, value: String)]

    /// libpq's defaults.
    package init() { options = [] }

    /// Reads a conninfo string or a URI; the empty string leaves everything to libpq's defaults.
    ///
    /// - Throws: `.badTarget`. libpq's own text may hold the password and is never passed on.
    package init(parsing conninfo: String) throws(PostgresError) {
        guard !conninfo.utf8.contains(0) else { throw Self.unreadable("it contains a NUL character") }
        try Self.refuseStrayAt(conninfo)
        options = try Self.parse(conninfo)
        try refuseBadNumbers()
        for keyword in Self.nameKeywords { try Self.refuseTarget(self[keyword], in: keyword) }
    }

    /// The value of an option by libpq's keyword, such as `application_name`, `replication`, `options`; `nil` is unset.
    /// A keyword that libpq does not know makes `Connection.open` throw `.badTarget`.
    package subscript(_ keyword: String) -> String? {
        get { options.first { $0.keyword == keyword }?.value }
        set {
            options.removeAll { $0.keyword == keyword }
            if let newValue { options.append((keyword, newValue)) }
        }
    }

    /// The values that must never be printed.
    package var secrets: [String] {
        options.filter { Self.secretKeywords.contains($0.keyword) && !$0.value.isEmpty }.map(\.value)
    }

    /// Host, port, database and the like, as conninfo; never a secret.
    package var description: String {
        let shown = options.filter { Self.shownKeywords.contains($0.keyword) }
        guard !shown.isEmpty else { return "libpq's default server" }
        return shown.map { "\($0.keyword)=\($0.value)" }.joined(separator: " ")
    }

    /// Everything that was given, as conninfo, with `…` for each secret.
    package var masked: String {
        options.map { option in
            // A user with a colon is a password that was pasted behind it.
            let isSecret =
                Self.secretKeywords.contains(option.keyword) || option.keyword == "user" && option.value.contains(":")
            let value = isSecret ? "…" : Self.quoted(option.value)
            return "\(option.keyword)=\(value)"
        }.joined(separator: " ")
    }

    /// A value as conninfo has it: in quotes where it is empty or holds more than a word's characters.
    private static func quoted(_ value: String) -> String {
        let isPlain = value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "'" && $0 != "\\" }
        guard value.isEmpty || !isPlain else { return value }
        return "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }

    private static let secretKeywords: Set<String> = [
        "password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret",
        // Settings of the server's, any of which may hold a token.
        "options",
    ]
    private static let shownKeywords: Set<String> = [
        "host", "hostaddr", "port", "dbname", "user", "application_name", "sslmode", "service", "target_session_attrs",
    ]
}

extension ConnectionTarget: CustomReflectable {
    /// `dump` and string interpolation of enclosing values show no more than the description.
    package var customMirror: Mirror { Mirror(self, children: ["target": description]) }
}

extension ConnectionTarget {
    private static func parse(_ conninfo: String) throws(PostgresError) -> [(keyword: String, value: String)] {
        var failure: UnsafeMutablePointer<CChar>?
        guard let parsed = unsafe PQconninfoParse(conninfo, &failure) else {
            let text = unsafe failure.map { unsafe String(cString: $0) } ?? ""
            unsafe PQfreemem(failure)
            throw refusal(of: conninfo, saying: text)
        }
        defer { unsafe PQconninfoFree(parsed) }
        var options: [(keyword: String, value: String)] = []
        var next = unsafe parsed
        while let keyword = unsafe next.pointee.keyword {
            if let value = unsafe next.pointee.val {
                unsafe options.append((String(cString: keyword), String(cString: value)))
            }
            unsafe next += 1
        }
        return options
    }

    /// Our own sentence for libpq's refusal, which is used only to tell the cases apart.
    private static func refusal(of conninfo: String, saying text: String) -> PostgresError {
        if text.utf8.contains("without \"=\"".utf8) || text.utf8.starts(with: "missing \"=\"".utf8) {
            return unreadable("a word in it has no \"=\"; a value with spaces needs single quotes")
        }
        if text.utf8.starts(with: "unterminated quoted string".utf8) {
            return unreadable("a single quote in it is not closed")
        }
        let unknown = ["invalid connection option", "invalid URI query parameter"]
        guard unknown.contains(where: { text.utf8.starts(with: $0.utf8) }) else {
            return unreadable("in a URI, special characters are written as % and two hex digits")
        }
        // What looks like a keyword may be the rest of a password that was not quoted: named only where none is near.
        let pieces = text.utf8.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
        let word = pieces.dropFirst().first.flatMap { String($0) } ?? ""
        let mayHoldSecret =
            conninfo.lowercased().utf8.contains("pass".utf8) || conninfo.utf8.contains(UInt8(ascii: "@"))
        guard !mayHoldSecret, !word.isEmpty, word.utf8.allSatisfy({ $0 == 0x5F || (0x61...0x7A).contains($0) }) else {
            return unreadable("it names an option that libpq does not know")
        }
        return unreadable("libpq knows no option \"\(word)\"")
    }

    /// A password with a bare `@` or `/` shifts its rest into host, port or database, which are printed: refused here.
    private static func refuseStrayAt(_ conninfo: String) throws(PostgresError) {
        // By bytes, as libpq reads it: a combining mark makes another character of what it follows.
        let bytes = conninfo.utf8
        let schemes = ["postgresql://", "postgres://"]
        guard let scheme = schemes.first(where: { bytes.starts(with: $0.utf8) }) else { return }
        let (at, slash) = (UInt8(ascii: "@"), UInt8(ascii: "/"))
        let rest = bytes.dropFirst(scheme.utf8.count)
        let afterUser = rest.drop { $0 != slash && $0 != at }
        // libpq takes everything up to the first @ as user and password, unless a / comes before it: then what follows a ?
        // is options, each of which may hold an @, but hardly a server and a database behind it.
        let beforeOptions = afterUser.prefix { $0 != UInt8(ascii: "?") }
        let options = afterUser.dropFirst(beforeOptions.count)
        let isStray =
            afterUser.first == at
            ? afterUser.dropFirst().contains(at)
            : beforeOptions.contains(at)
                || options.split(separator: UInt8(ascii: "&")).contains { $0.drop { $0 != at }.contains(slash) }
        if isStray {
            throw unreadable("a user name or password with @ or / in a URI is written with %40 or %2F")
        }
    }

    /// The options that hold one name, which error messages show.
    static let nameKeywords = ["host", "hostaddr", "dbname", "user", "service"]

    /// Some tools read a whole connection string in the place of the database's name; libpq here takes it for a name, and
    /// the server's answer would show it with its password.
    ///
    /// - Parameter value: of the option, wherever it comes from.
    static func refuseTarget(_ value: String?, in keyword: String) throws(PostgresError) {
        guard let value else { return }
        if value.utf8.contains("://".utf8) {
            throw unreadable("\(keyword) holds a URI; give the URI as the whole connection string")
        }
        if keyword == "dbname", value.utf8.contains(UInt8(ascii: "=")) {
            throw unreadable("dbname contains a \"=\"; give it only the database's name, and other options separately")
        }
    }

    /// libpq prints a bad port or number when it connects; it may be a piece of a mangled password.
    private func refuseBadNumbers() throws(PostgresError) {
        for port in (self["port"] ?? "").split(separator: ",") {
            guard let number = Int(trimmed(port)), (1...65535).contains(number) else {
                throw Self.unreadable("the port is a number from 1 to 65535, for several hosts a list with commas")
            }
        }
        for keyword in Self.numericKeywords {
            if let value = self[keyword], !trimmed(value).isEmpty, Int32(trimmed(value)) == nil {
                throw Self.unreadable("\(keyword) takes a whole number")
            }
        }
    }

    private static func unreadable(_ reason: String) -> PostgresError {
        PostgresError(.badTarget, "the database connection string cannot be used: \(reason)")
    }

    private static let numericKeywords = [
        "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",
    ]
}
