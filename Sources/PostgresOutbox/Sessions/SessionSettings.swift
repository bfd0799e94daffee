import Libpq
import RelayCore

/// What a session is for; the second word of its `application_name`.
package enum SessionRole: String, Sendable, CaseIterable {
    /// Holds the leader's lock, beats and scans.
    case leader
    /// Claims, settles and sweeps.
    case work
    /// Reads what lanes off the tail lack; in WAL mode the tail too.
    case read
    /// Carries the replication stream.
    case stream
    /// Waits for the leader's lock.
    case standby
    /// Serves one command of an administrator.
    case admin
}

/// The server's limits for a session; `nil` means none, which is set just as well, since no default is trusted.
package struct SessionTimeouts: Sendable, Hashable {
    /// `statement_timeout`. None for sessions that commit: a COMMIT that waits for a synchronous standby and is
    /// cancelled by it would become visible without that standby.
    package var statement: Duration?
    package var lock: Duration?
    package var idleInTransaction: Duration?
    /// `idle_session_timeout`: a silent session loses what it holds.
    package var idleSession: Duration?
    /// `tcp_user_timeout` of the server's end.
    package var tcpUser: Duration?
    /// `client_connection_check_interval`: how soon a backend that waits for a lock notices that its client is gone.
    package var connectionCheck: Duration?

    package init(
        statement: Duration? = nil, lock: Duration? = nil, idleInTransaction: Duration? = nil,
        idleSession: Duration? = nil, tcpUser: Duration? = nil, connectionCheck: Duration? = nil
    ) {
        self.statement = statement
        self.lock = lock
        self.idleInTransaction = idleInTransaction
        self.idleSession = idleSession
        self.tcpUser = tcpUser
        self.connectionCheck = connectionCheck
    }

    /// The limits, all made of the time after which a silent leader loses its lock.
    package static func standard(for role: SessionRole, leaderTimeout: Duration = .seconds(2)) -> SessionTimeouts {
        let check = leaderTimeout / 4
        switch role {
        case .leader, .standby:
            return SessionTimeouts(
                statement: leaderTimeout, lock: leaderTimeout / 2, idleInTransaction: leaderTimeout,
                idleSession: leaderTimeout, tcpUser: leaderTimeout, connectionCheck: check)
        case .work:
            return SessionTimeouts(
                lock: leaderTimeout / 2, idleInTransaction: leaderTimeout, tcpUser: leaderTimeout,
                connectionCheck: check)
        case .read:
            return SessionTimeouts(
                lock: leaderTimeout / 2, idleInTransaction: leaderTimeout, connectionCheck: check)
        case .stream:
            // Creating a slot waits for running transactions as for locks; what that may cost is bounded in WAL.
            return SessionTimeouts(idleInTransaction: leaderTimeout, connectionCheck: check)
        case .admin:
            return SessionTimeouts(
                lock: .seconds(30), idleInTransaction: .seconds(30), connectionCheck: .seconds(1))
        }
    }

    /// The statements that set them, whatever role and database say.
    ///
    /// - Parameter version: the server's, as `ConnectionInfo` has it.
    func text(version: Int) -> SQLText {
        var settings: [(SQLText, Duration?)] = [
            ("statement_timeout", statement), ("lock_timeout", lock),
            ("idle_in_transaction_session_timeout", idleInTransaction), ("idle_session_timeout", idleSession),
            ("tcp_user_timeout", tcpUser),
        ]
        // It ends the session of a transaction that is busy too: a claim lasts as long as sinks take, a COMMIT as long as a
        // standby does.
        if version >= 170_000 { settings.insert(("transaction_timeout", nil), at: 1) }
        return settings.map { "SET \($0) = '\(milliseconds($1))ms';" as SQLText }.joined(separator: "\n")
    }

    /// Whole milliseconds, at least one where there is a limit; 0 turns it off.
    func milliseconds(_ limit: Duration?) -> Int {
        guard let limit else { return 0 }
        return Int(min(max(limit.milliseconds, 1), Int64(Int32.max)))
    }
}

/// What every session sets, so that no default of role, database or server changes what the relay sees, how long a
/// session lives or what a statement costs.
///
/// Left to whoever runs the server: what only a superuser can set (`session_replication_role`, `zero_damaged_pages`), what
/// the server writes into its log, where tables and temporary files go, memory, `role`, and the words of messages, which
/// nothing here reads.
enum SessionSettings {
    static var common: SQLText { (reading + writing + planning).joined(separator: "\n") }

    /// What statements read and how the server prints it.
    private static let reading: [SQLText] = [
        // Hidden rows would pass for gaps: off turns them into an error.
        "SET row_security = off;",
        "SET TimeZone = 'UTC';",
        "SET DateStyle = 'ISO, YMD';",
        "SET IntervalStyle = 'postgres';",
        "SET client_encoding = 'UTF8';",
        "SET bytea_output = 'hex';",
        "SET extra_float_digits = 1;",
        "SET standard_conforming_strings = on;",
        "SET escape_string_warning = off;",
        "SET array_nulls = on;",
        // Expressions and names of the catalogue are compared and shown as text.
        "SET quote_all_identifiers = off;",
        "SET client_min_messages = warning;",
        // A row that a statement stumbles over would end the session with it.
        "SET exit_on_error = off;",
    ]

    /// What transactions see and promise.
    private static let writing: [SQLText] = [
        "SET default_transaction_isolation = 'read committed';",
        "SET default_transaction_read_only = off;",
        "SET default_transaction_deferrable = off;",
        "SET synchronous_commit = on;",
    ]

    /// Every statement reads by an index, whatever the statistics say or lack, and is planned without looking at its
    /// values: decision 16. A bitmap, and a join by hash or merge, read all that there is before the first row, however low
    /// the limit.
    private static let planning: [SQLText] = [
        "SET enable_seqscan = off;",
        "SET enable_indexscan = on;",
        "SET enable_indexonlyscan = on;",
        "SET enable_bitmapscan = off;",
        "SET enable_nestloop = on;",
        "SET enable_hashjoin = off;",
        "SET enable_mergejoin = off;",
        "SET enable_partition_pruning = on;",
        "SET jit = off;",
        "SET plan_cache_mode = force_generic_plan;",
    ]

    /// The value of `search_path` for sessions that know where the outbox is.
    static func searchPath(_ schema: OutboxSchema) -> SQLText { "\(schema.quoted), pg_temp" }
}
