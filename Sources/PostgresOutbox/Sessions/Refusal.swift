import Libpq
import RelayCore

/// Why the relay does not work with what it found: one sentence that says what is wrong and how to fix it.
package struct Refusal: Error, Hashable, Sendable {
    /// What kind of refusal it is; the executable has an exit code for each.
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
}

extension RelayStop {
    /// For a relay that cannot begin.
    init(_ refusal: Refusal) {
        let reason: Reason =
            switch refusal.kind {
            case .unreachable: .unreachable
            case .denied: .denied
            case .configuration: .configuration
            // A relay requests nothing that an administrator would.
            case .wrongRequest, .unexpected: .unexpected
            }
        self.init(reason, refusal.message)
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
