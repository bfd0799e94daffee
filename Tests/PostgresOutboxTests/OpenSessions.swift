import Libpq
import RelayTestKit

@testable import PostgresOutbox

extension TestDatabase {
    /// A session of the relay's on this database; the test closes it.
    func session(
        _ role: SessionRole = .admin, user: String = "postgres", leaderTimeout: Duration = .seconds(20)
    ) async throws -> Session {
        try await openSession(
            ConnectionTarget(parsing: conninfo(user: user)), role: role,
            timeouts: .standard(for: role, leaderTimeout: leaderTimeout), timeout: .seconds(20))
    }

    /// Lends a session that beats.
    func withLeader<Value: Sendable>(
        leaderTimeout: Duration = .seconds(20), _ body: (LeaderSession) async throws -> Value
    ) async throws -> Value {
        let session = try await session(.leader, leaderTimeout: leaderTimeout)
        let leader = LeaderSession(session, host: "test", limit: leaderTimeout)
        do {
            let value = try await body(leader)
            await leader.close()
            return value
        } catch {
            await leader.close()
            throw error
        }
    }

    /// Lends a session that claims, settles and sweeps, in the epoch that stands now.
    func withWork<Value: Sendable>(
        parkingByKey: [String] = [], _ body: (WorkSession) async throws -> Value
    ) async throws -> Value {
        let session = try await session(.work)
        do {
            let work = WorkSession(
                session, epoch: try await number("SELECT epoch FROM outbox_leader"),
                history: try await session.history(), source: "/outbox", parkingByKey: parkingByKey)
            let value = try await body(work)
            await session.close()
            return value
        } catch {
            await session.close()
            throw error
        }
    }

    /// Lends a session such as an administrator's command opens.
    func withAdministrator<Value: Sendable>(_ body: (Session) async throws -> Value) async throws -> Value {
        let session = try await session()
        do {
            let value = try await body(session)
            await session.close()
            return value
        } catch {
            await session.close()
            throw error
        }
    }

    /// The outbox, renamed with its leaves as somebody does who keeps an older one, and a new one in its place: the
    /// sequence of the older keeps its name.
    func beginAnew() async throws {
        try await execute(
            """
            ALTER TABLE outbox RENAME TO outbox_old; ALTER TABLE outbox_unpublished RENAME TO outbox_old_unpublished;
            ALTER TABLE outbox_published RENAME TO outbox_old_published
            """)
        try await migrate()
    }
}
