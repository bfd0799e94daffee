import Libpq
import RelayConfiguration

extension FuzzTarget {
    /// A conninfo or URI as it is, and a password that is put into one: quoted, bare, and in a URI. Nothing that is
    /// printed holds a password that was given, nor a piece of it, whether the text is taken or refused.
    static let connection = FuzzTarget("connection", longest: 1024) { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        let isTaken = try readTarget(text, password: nil, open: [])
        var parts = InputParts(input)
        let (password, rest) = (parts.text(), parts.text())
        guard !password.utf8.contains(0) else { return isTaken }
        let quoted = escaped(password, [UInt8(ascii: "'"): UInt8(ascii: "\\"), UInt8(ascii: "\\"): UInt8(ascii: "\\")])
        _ = try readTarget("user=u password='\(quoted)' \(rest)", password: password, open: [rest, refusals])
        if !password.contains(where: { $0.isWhitespace || $0 == "'" || $0 == "\\" }) {
            _ = try readTarget("password=\(password) \(rest)", password: password, open: [rest, refusals])
        }
        if rest.isEmpty {
            _ = try readTarget("postgresql://u:\(password)@host.example/db", password: password, open: [refusals])
        }
        return isTaken
    }

    /// What refusals and descriptions say of themselves.
    private static let refusals = """
        the database connection string cannot be used: connect_timeout application_name target_session_attrs \
        host=host.example dbname=db host=host.example user=u dbname=u password=
        """

    private static func readTarget(_ text: String, password: String?, open: [String]) throws(BrokenPromise) -> Bool {
        let shown: String
        var target: ConnectionTarget?
        do throws(PostgresError) {
            let read = try ConnectionTarget(parsing: text)
            target = read
            shown = "\(read)"
        } catch {
            shown = "\(error)"
            try promise(!error.message.contains { $0.isNewline }, "a message of several lines: \(error.message)")
        }
        if var other = target {
            // What is shown may happen to be a secret as well: it must be the same whatever the secret is.
            for keyword in ["password", "sslpassword"] where other[keyword] != nil { other[keyword] = "another" }
            try promise("\(other)" == shown, "the description shows a secret")
        }
        if let password { try promiseHidden(password, in: shown, open: open, "what is said of a connection string") }
        return target != nil
    }

    /// A configuration file, through to the options.
    static let configuration = FuzzTarget("configuration") { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        do throws(ConfigurationProblem) {
            let file = try ConfigurationFile(yaml: text, path: "relay.yaml")
            _ = try RelayOptions(resolving: ConfigurationLayers(file: file))
            return true
        } catch {
            try expectSentence(error)
            return false
        }
    }

    /// Options as flags and as variables: an option's number, then its text.
    static let option = FuzzTarget("option", longest: 1024) { input throws(BrokenPromise) in
        var parts = InputParts(input)
        var flags: [OptionKey: String] = [:]
        var sinks: [String] = []
        while !parts.isEmpty {
            let part = parts.next()
            let text = String(decoding: part.dropFirst(), as: UTF8.self)
            let key = Int(part.first ?? 0) % (OptionKey.allCases.count + 1)
            if key < OptionKey.allCases.count { flags[OptionKey.allCases[key]] = text } else { sinks.append(text) }
        }
        let variables = flags.map { ($0.key.variable, $0.value) } + [(OtherVariable.sink, sinks.joined(separator: " "))]
        let environment = Dictionary(variables) { first, _ in first }
        var isTaken = true
        for layers in [
            ConfigurationLayers(flags: flags, sinkFlags: sinks), ConfigurationLayers(environment: environment),
        ] {
            let options: RelayOptions
            do throws(ConfigurationProblem) {
                options = try RelayOptions(resolving: layers)
            } catch {
                try expectSentence(error)
                isTaken = false
                continue
            }
            try promise(!options.sinks.isEmpty && options.window >= 1, "options that were checked are out of range")
        }
        return isTaken
    }

    /// Durations and sizes: what is read is written back as the same.
    static let quantity = FuzzTarget("quantity", longest: 64) { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        let (duration, bytes) = (Duration(configured: text), ByteCount.parse(text))
        if let duration {
            try promise(Duration(configured: duration.configured) == duration, "\(text) is \(duration.configured)")
        }
        if let bytes {
            try promise(ByteCount.parse(ByteCount.text(bytes)) == bytes, "\(text) is \(ByteCount.text(bytes))")
        }
        return duration != nil || bytes != nil
    }

    private static func expectSentence(_ problem: ConfigurationProblem) throws(BrokenPromise) {
        try promise(!problem.message.contains { $0.isNewline }, "a message of several lines: \(problem.message)")
    }
}
