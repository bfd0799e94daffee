import Libpq
import RelayCore

extension LeaderSession {
    /// Opens a further session of this leader: on the same server, and recorded before its first use.
    func openFurther(_ role: SessionRole, _ settings: PostgresSettings) async throws -> Session {
        let further = try await openSession(
            settings.target, on: settings.thread, role: role,
            timeouts: .standard(for: role, leaderTimeout: settings.leaderTimeout), timeout: .seconds(5),
            schema: session.schema)
        do {
            guard try await further.seesLeader(session.backendPID) else {
                throw PostgresError(
                    .connection,
                    "a further session reached another server than the leader's; all hosts must lead to one")
            }
            guard try await record(further, role: role) else { throw Deposed() }
            return further
        } catch {
            await further.connection.close()
            throw error
        }
    }
}

extension Session {
    /// Says in `pg_stat_activity` what the session has become.
    func rename(_ role: SessionRole, _ target: ConnectionTarget) async throws {
        let name = target.named(for: role)["application_name"] ?? ""
        try await connection.execute("SET application_name = \(quotedLiteral(name))")
    }
}
