/// Why the configuration cannot be used, as one sentence for the operator.
package struct ConfigurationProblem: Error, Hashable, Sendable {
    /// Where the mistake is; the executable has an exit code for each.
    package enum Kind: Sendable {
        /// In the command line.
        case usage
        /// Anywhere else.
        case configuration
    }

    package var kind: Kind
    /// One sentence: what is wrong, where, and how to fix it. Never holds a password.
    package var message: String

    /// The command line is wrong: a value that does not parse or is out of range.
    package static func usage(_ message: String) -> Self {
        Self(kind: .usage, message: message)
    }

    /// The configuration is wrong: the environment, the file, a URI, a conninfo or a SPEC.
    package static func configuration(_ message: String) -> Self {
        Self(kind: .configuration, message: message)
    }
}
