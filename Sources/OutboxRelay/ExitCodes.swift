import ArgumentParser
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayCore

/// The exit codes that the contract promises; their names are those of sysexits(3) where it has one.
extension ExitCode {
    /// A check failed, or a part of what was asked for could not be done.
    static let checkFailed = ExitCode(1)
    /// The command line is wrong: `EX_USAGE`.
    static let usage = ExitCode(64)
    /// The database is not reached: `EX_UNAVAILABLE`.
    static let unreachable = ExitCode(69)
    /// What should not happen: `EX_SOFTWARE`.
    static let unexpected = ExitCode(70)
    /// Standard output was closed before everything was written: `EX_IOERR`.
    static let outputClosed = ExitCode(74)
    /// The server refuses the login or the role lacks a grant: `EX_NOPERM`.
    static let denied = ExitCode(77)
    /// The configuration or the database is not what it must be: `EX_CONFIG`.
    static let configuration = ExitCode(78)

    /// A signal ended the work before it was done, as a shell says it.
    static func signal(_ number: Int32) -> ExitCode { ExitCode(128 + number) }
}

extension ConfigurationProblem {
    var exitCode: ExitCode { kind.exitCode }
}

extension ConfigurationProblems {
    var exitCode: ExitCode { kind.exitCode }
}

extension ConfigurationProblem.Kind {
    fileprivate var exitCode: ExitCode {
        switch self {
        case .usage: .usage
        case .configuration: .configuration
        }
    }
}

extension Refusal {
    var exitCode: ExitCode {
        switch kind {
        case .unreachable: .unreachable
        case .denied: .denied
        case .configuration: .configuration
        case .wrongRequest: .usage
        case .unexpected: .unexpected
        }
    }
}

extension RelayStop {
    var exitCode: ExitCode {
        switch reason {
        case .unreachable: .unreachable
        case .denied: .denied
        case .configuration, .wentBack: .configuration
        case .unexpected: .unexpected
        }
    }
}
