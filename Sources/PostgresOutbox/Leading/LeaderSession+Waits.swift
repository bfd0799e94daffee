import Libpq

/// A session that is recorded as this leader's.
struct RecordedSession: Hashable, Sendable {
    var pid: Int32
    var backendStart: String
    var role: String
}

extension LeaderSession {
    /// What the recorded sessions of this leader have waited for on the server for a second or longer: a lock, a standby.
    ///
    /// It reads no table that anybody could have locked.
    package func waits() async throws -> [SessionWait] {
        let sessions = recorded.map { WatchedSession(pid: $0.pid, role: $0.role) }
        guard !sessions.isEmpty else { return [] }
        let question = SessionWaits(of: sessions, in: session.schema)
        return SessionWaits.waits(try await query(SessionWaits.statement, question.parameters))
    }
}

extension SessionWait {
    /// Such as `session work (pid 12) waits for lock on outbox_sink, held by pid 7 (psql)`.
    package var sentence: String { "session \(role) (pid \(pid)) waits for \(text)" }

    /// A COMMIT that waits for a synchronous standby.
    var isSynchronousCommit: Bool { cause == Self.standby }
}
