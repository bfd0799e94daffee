import DedicatedThreads
import Libpq

/// A session that trusts no defaults: its settings are the relay's, and it talks to one server process.
package struct Session: Sendable {
    package let connection: Connection
    /// Where the outbox is.
    package let schema: OutboxSchema
    package let backendPID: Int32
    /// `backend_start` as the server prints it: with the pid it names the session for good.
    package let backendStart: String

    /// Ends the session in good order.
    package func close() async { await connection.close() }
}

/// A session before the outbox was looked for.
package struct PlainSession: Sendable {
    package let connection: Connection
    package let backendPID: Int32
    package let backendStart: String

    /// Ends the session in good order.
    package func close() async { await connection.close() }
}

/// Opens a session for a role and finds the outbox.
///
/// - Parameters:
///   - thread: where the session lives; `nil`: on a thread of its own.
///   - schema: where the outbox is, if that is known: further sessions of a relay must not find another.
///   - timeout: for connecting, and for the settings; the target's `connect_timeout` holds beside it.
/// - Throws: a ``Refusal`` of the kind `unreachable` where trying again may help.
package func openSession(
    _ target: ConnectionTarget, on thread: DedicatedThread? = nil, role: SessionRole, timeouts: SessionTimeouts,
    timeout: Duration?, schema: OutboxSchema? = nil
) async throws(Refusal) -> Session {
    let plain = try await openPlainSession(target, on: thread, role: role, timeouts: timeouts, timeout: timeout)
    let alarm = plain.connection.alarm(after: timeout)
    defer { alarm?.cancel() }
    do throws(Refusal) {
        let found = try await schema.orElse { () async throws(Refusal) in
            try await OutboxSchema.find(on: plain.connection)
        }
        try await plain.connection.set("SET search_path = \(SessionSettings.searchPath(found))")
        return Session(
            connection: plain.connection, schema: found, backendPID: plain.backendPID,
            backendStart: plain.backendStart)
    } catch {
        await plain.connection.close()
        throw error
    }
}

/// Opens a session for a role with every setting but the search path, which stays the role's.
package func openPlainSession(
    _ target: ConnectionTarget, on thread: DedicatedThread? = nil, role: SessionRole, timeouts: SessionTimeouts,
    timeout: Duration?
) async throws(Refusal) -> PlainSession {
    let connection: Connection
    do {
        connection = try await Connection.open(target.named(for: role), on: thread, timeout: timeout)
    } catch {
        throw Refusal(error)
    }
    let alarm = connection.alarm(after: timeout)
    defer { alarm?.cancel() }
    do throws(Refusal) {
        try refuseOldServer(connection)
        // The limits first: a default of a millisecond must not end what sets the others.
        let limits = timeouts.text(version: connection.info.serverVersion)
        try await connection.set("\(limits)\n\(SessionSettings.common)")
        if role == .stream { try await connection.set("SET wal_sender_timeout = '5s'") }
        try await setConnectionCheck(timeouts, on: connection)
        return try await identify(connection)
    } catch {
        await connection.close()
        throw error
    }
}

/// PostgreSQL 14 is the oldest server that is supported.
private func refuseOldServer(_ connection: Connection) throws(Refusal) {
    let version = connection.info.serverVersion
    guard version < 140_000 else { return }
    throw Refusal(
        .configuration, check: "version",
        problem: "the server is PostgreSQL \(version / 10_000), which is not supported",
        remedy: "use PostgreSQL 14 or newer")
}

/// Not every platform of the server can do it; where it cannot, a dead client is noticed later.
private func setConnectionCheck(_ timeouts: SessionTimeouts, on connection: Connection) async throws(Refusal) {
    do {
        let interval = timeouts.milliseconds(timeouts.connectionCheck)
        try await connection.execute("SET client_connection_check_interval = '\(interval)ms'")
    } catch  where error.kind == .server {
        return
    } catch {
        throw Refusal(error)
    }
}

/// Refuses a pooler and a server in recovery; says which backend the session is.
///
/// A pooler may announce the first backend that it has, and give another one later: two transactions in a row tell of one
/// that takes turns.
private func identify(_ connection: Connection) async throws(Refusal) -> PlainSession {
    let (tables, again): ([ResultTable], [ResultTable])
    do {
        tables = try await connection.execute(
            """
            SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),
              (SELECT a.backend_start FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = pg_catalog.pg_backend_pid())
            """)
        again = try await connection.execute("SELECT pg_catalog.pg_backend_pid()")
    } catch {
        throw Refusal(error)
    }
    let pid = Int64(connection.info.backendPID)
    guard let row = tables.last?.rows.first, row.int(0) == pid, again.last?.int(0, 0) == pid else {
        throw Refusal(
            .configuration, check: "pooler",
            problem: "the connection goes through a pooler, which does not preserve a session's locks and settings",
            remedy: "connect directly to the server")
    }
    guard row.bool(1) == false else {
        throw Refusal(
            .unreachable, check: "recovery", problem: "the server is in recovery and does not accept writes",
            remedy: "connect to the primary, or promote this server")
    }
    return PlainSession(
        connection: connection, backendPID: connection.info.backendPID, backendStart: row.string(2) ?? "")
}

extension ConnectionTarget {
    /// The target with what every session of this role says of itself: `outbox-relay ROLE`, followed by the name that
    /// was given.
    package func named(for role: SessionRole) -> ConnectionTarget {
        var target = self
        let given = self["application_name"] ?? ""
        target["application_name"] = "outbox-relay \(role.rawValue)" + (given.isEmpty ? "" : " \(given)")
        if role == .stream { target["replication"] = "database" }
        return target
    }
}

extension Connection {
    /// Cuts the connection unless it is cancelled before: a network that hangs would never say so.
    fileprivate nonisolated func alarm(after limit: Duration?) -> Task<Void, Never>? {
        limit.map { limit in
            Task {
                if (try? await Task.sleep(for: limit)) != nil { abandon() }
            }
        }
    }

    /// Runs settings.
    fileprivate func set(_ text: SQLText) async throws(Refusal) {
        // The role's own statement_timeout may be shorter than it takes to set another: a few tries are enough.
        for isLast in [false, false, false, false, true] {
            do {
                try await execute(text)
                return
            } catch  where error.sqlState == "57014" && !isLast {
                continue
            } catch {
                throw Refusal(error)
            }
        }
    }
}

extension Optional where Wrapped: Sendable {
    /// The value, or what is found instead.
    fileprivate func orElse(_ find: () async throws(Refusal) -> Wrapped) async throws(Refusal) -> Wrapped {
        if let self { return self }
        return try await find()
    }
}
