import Libpq

/// Why the relay does not work with what it found: one sentence that says what is wrong and how to fix it.
package struct Refusal: Error, Hashable, Sendable {
    /// What kind of refusal, and with it the exit code.
    package enum Kind: Sendable, Hashable {
        /// The server cannot be reached, is in recovery, starting up or out of connections: it may come back.
        case unreachable
        /// The server knows us and says no: authentication or a missing privilege.
        case denied
        /// The database, its tables or its settings are not what the relay needs.
        case configuration
        /// The command asks for what cannot be done.
        case wrongRequest
        /// What should not happen.
        case unexpected
    }

    package var kind: Kind
    /// The name of the `doctor` check that it belongs to.
    package var check: String
    /// What is wrong, without an end mark.
    package var problem: String
    /// How to fix it, without an end mark.
    package var remedy: String

    package init(_ kind: Kind, check: String, problem: String, remedy: String) {
        self.kind = kind
        self.check = check
        self.problem = problem
        self.remedy = remedy
    }

    /// One sentence.
    package var message: String { remedy.isEmpty ? problem : "\(problem); \(remedy)" }

    /// The contract's exit code: 69, 77, 78, 64 or 70.
    package var exitCode: Int32 {
        switch kind {
        case .unreachable: 69
        case .denied: 77
        case .configuration: 78
        case .wrongRequest: 64
        case .unexpected: 70
        }
    }
}

extension Refusal {
    /// What an error of the session means for somebody who wanted to begin with it. libpq's texts hold no secret.
    package init(_ error: PostgresError) {
        switch error.kind {
        case .badTarget:
            self.init(.configuration, check: "connection", problem: error.message, remedy: error.connectionRemedy ?? "")
        case .connection, .timeout, .closed:
            self.init(connectionFailure: error)
        case .cancelled:
            self.init(.unexpected, check: "connection", problem: "the work was cancelled", remedy: "")
        case .server, .protocolViolation:
            self.init(statementFailure: error)
        }
    }

    private init(connectionFailure error: PostgresError) {
        switch error.connectionFailure {
        case .authentication:
            self.init(
                .denied, check: "connection", problem: "the server refuses the session: \(error.message)",
                remedy: error.connectionRemedy ?? "")
        case .databaseMissing:
            self.init(
                .configuration, check: "connection", problem: "there is no such database: \(error.message)",
                remedy: error.connectionRemedy ?? "")
        case .unavailable, nil:
            self.init(
                .unreachable, check: "connection", problem: "the database cannot be reached: \(error.message)",
                remedy: error.connectionRemedy ?? "start the server")
        }
    }

    private init(statementFailure error: PostgresError) {
        switch error.sqlState ?? "" {
        case "42501":
            self.init(
                .denied, check: "privileges", problem: "the server denies a privilege: \(error.message)",
                remedy: "grant it to the relay's role")
        case "42P01", "42703", "3F000", "42883":
            self.init(
                .configuration, check: "table", problem: "the outbox is not what this version needs: \(error.message)",
                remedy: "run outbox-relay migrate")
        case _ where error.canRetry:
            self.init(
                .unreachable, check: "connection", problem: "the database is not available: \(error.message)",
                remedy: "try again")
        default:
            self.init(
                .unexpected, check: "connection", problem: "the database answered with an error: \(error.message)",
                remedy: "see the server's log")
        }
    }
}
