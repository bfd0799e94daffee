import Libpq

/// Connects as an administrator's command does: for a while, since a server that is starting up will come.
///
/// A server that cannot be reached, is in recovery, starting up or out of connections is tried again every 200 ms for
/// `patience`, or for the `connect_timeout` of the target where it has one.
package struct AdministrationConnector: Sendable {
    private let target: ConnectionTarget
    private let patience: Duration

    package init(_ target: ConnectionTarget, patience: Duration = .seconds(10)) {
        self.target = target
        let seconds = target["connect_timeout"].flatMap { Int64($0) } ?? 0
        self.patience = seconds > 0 ? .seconds(seconds) : patience
    }

    /// A session in which the outbox was found.
    package func connect(_ timeouts: SessionTimeouts = .standard(for: .admin)) async throws(Refusal) -> Session {
        try await persist { (timeout) async throws(Refusal) in
            try await openSession(target, role: .admin, timeouts: timeouts, timeout: timeout)
        }
    }

    /// A session in which there need not be an outbox yet, with the role's own search path.
    package func connectPlain(
        _ timeouts: SessionTimeouts = .standard(for: .admin)
    ) async throws(Refusal) -> PlainSession {
        try await persist { (timeout) async throws(Refusal) in
            try await openPlainSession(target, role: .admin, timeouts: timeouts, timeout: timeout)
        }
    }

    private func persist<Value>(
        _ attempt: (Duration) async throws(Refusal) -> Value
    ) async throws(Refusal) -> Value {
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while true {
            let left = deadline - clock.now
            do throws(Refusal) {
                return try await attempt(max(left, .milliseconds(1)))
            } catch {
                guard error.kind == .unreachable, clock.now + .milliseconds(200) < deadline else { throw error }
            }
            guard (try? await Task.sleep(for: .milliseconds(200))) != nil else {
                throw Refusal(PostgresError(.cancelled, "connecting was cancelled"))
            }
        }
    }
}

extension Session {
    /// Runs `body` in a transaction; rolls back whatever it throws.
    func transaction<Value>(_ body: () async throws(Refusal) -> Value) async throws(Refusal) -> Value {
        try await run("BEGIN")
        do throws(Refusal) {
            let value = try await body()
            try await run("COMMIT")
            return value
        } catch {
            try? await connection.rollBack()
            throw error
        }
    }

    /// Runs a statement that returns no rows, or whose rows nobody needs.
    func run(_ text: SQLText, _ parameters: [Parameter] = []) async throws(Refusal) {
        do {
            try await connection.query(text, parameters)
        } catch {
            throw Refusal(error)
        }
    }
}
