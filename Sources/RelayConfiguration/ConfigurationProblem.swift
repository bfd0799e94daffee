/// Why the configuration cannot be used: one sentence for the operator, and the exit code that goes with it.
package struct ConfigurationProblem: Error, Hashable, Sendable {
    /// One sentence: what is wrong, where, and how to fix it. Never holds a password.
    package var message: String
    /// `EX_USAGE` (64) for the command line, `EX_CONFIG` (78) for all else; see sysexits(3).
    package var exitCode: Int32

    /// The command line is wrong: a value that does not parse or is out of range.
    package static func usage(_ message: String) -> Self {
        Self(message: message, exitCode: 64)
    }

    /// The configuration is wrong: the environment, the file, a URI, a conninfo or a SPEC.
    package static func configuration(_ message: String) -> Self {
        Self(message: message, exitCode: 78)
    }
}
