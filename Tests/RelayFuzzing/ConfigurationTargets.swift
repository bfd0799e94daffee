import Libpq
import RelayConfiguration

extension FuzzTarget {
    /// A conninfo or URI as it is, and a password that is put into one: quoted, bare, and in a URI. Nothing that is
    /// printed holds a password that was given, nor a piece of it, whether the text is taken or refused.
    static let connection = FuzzTarget("connection", longest: 1024) { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        let isTaken = try readTarget(text).isTaken
        var parts = InputParts(input)
        let (password, rest) = (parts.text(), parts.text())
        guard !password.utf8.contains(0) else { return isTaken }
        try keepsSecret(password, open: rest) { "user=u password='\(quoted($0))' \(rest)" }
        if !password.contains(where: { $0.isWhitespace || $0 == "'" || $0 == "\\" }) {
            try keepsSecret(password, open: rest) { "password=\($0) \(rest)" }
        }
        if rest.isEmpty { try keepsSecret(password, open: "") { "postgresql://u:\($0)@host.example/db" } }
        return isTaken
    }

    private static func quoted(_ text: String) -> String {
        escaped(text, [UInt8(ascii: "'"): UInt8(ascii: "\\"), UInt8(ascii: "\\"): UInt8(ascii: "\\")])
    }

    /// What is said of a connection string shows no piece of its password, but what it would show with any other.
    private static func keepsSecret(
        _ password: String, open: String, _ string: (String) -> String
    ) throws(BrokenPromise) {
        let said = try readTarget(string(password)).said
        let fixed = try readTarget(string(disguised(password))).said
        try promiseHidden(password, in: said, open: [open, fixed], "what is said of a connection string")
    }

    /// The same with other letters: what is no letter stands where it stood, and a hex digit is one still.
    private static func disguised(_ text: String) -> String {
        var other = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let next: Unicode.Scalar =
                switch scalar {
                case "f", "F": scalar == "f" ? "a" : "A"
                case "z", "Z": scalar == "z" ? "g" : "G"
                case "a"..."y", "A"..."Y": Unicode.Scalar(UInt8(truncatingIfNeeded: scalar.value + 1))
                default: scalar
                }
            other.append(next)
        }
        return String(other)
    }

    /// - Returns: what is said of it, and whether it was taken.
    private static func readTarget(_ text: String) throws(BrokenPromise) -> (said: String, isTaken: Bool) {
        let target: ConnectionTarget
        do throws(PostgresError) {
            target = try ConnectionTarget(parsing: text)
        } catch {
            try promiseOneLine(error.message)
            return ("\(error)", false)
        }
        // What is shown may happen to be a secret as well: it must be the same whatever the secret is.
        var other = target
        for keyword in ["password", "sslpassword"] where other[keyword] != nil { other[keyword] = "another" }
        try promise("\(other)" == "\(target)", "the description shows a secret")
        return ("\(target)", true)
    }

    /// A configuration file, through to the options.
    static let configuration = FuzzTarget("configuration") { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        let file = ConfigurationFile(yaml: text, path: "relay.yaml")
        do throws(ConfigurationProblems) {
            _ = try RelayOptions(resolving: ConfigurationLayers(file: file))
            return true
        } catch {
            try expectSentences(error)
            return false
        }
    }

    /// Options as flags and as variables: an option's number, then its text; from 128 on it is a sink's SPEC, so that another
    /// option moves nothing.
    static let option = FuzzTarget("option", longest: 1024) { input throws(BrokenPromise) in
        var parts = InputParts(input)
        var flags: [OptionKey: String] = [:]
        var sinks: [String] = []
        while !parts.isEmpty {
            let part = parts.next()
            let text = String(decoding: part.dropFirst(), as: UTF8.self)
            let number = Int(part.first ?? 0)
            if number < 128 {
                flags[OptionKey.allCases[number % OptionKey.allCases.count]] = text
            } else {
                sinks.append(text)
            }
        }
        let variables = flags.map { ($0.key.variable, $0.value) } + [(OtherVariable.sink, sinks.joined(separator: " "))]
        let environment = Dictionary(variables) { first, _ in first }
        var isTaken = true
        for layers in [
            ConfigurationLayers(flags: flags, sinkFlags: sinks), ConfigurationLayers(environment: environment),
        ] {
            let options: RelayOptions
            do throws(ConfigurationProblems) {
                options = try RelayOptions(resolving: layers)
            } catch {
                try expectSentences(error)
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

    private static func expectSentences(_ problems: ConfigurationProblems) throws(BrokenPromise) {
        try promise(!problems.all.isEmpty, "it is refused without a reason")
        for problem in problems.all { try promiseOneLine(problem.message) }
    }
}
