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
    /// Such as `the relay's work session waits for lock on outbox_sink, held by pid 7 (psql)`: the same for as long as
    /// it lasts, whatever session tries.
    package var sentence: String { "the relay's \(role) session waits for \(text)" }

    var refusal: Refusal {
        Refusal(
            .unreachable, check: "connection", problem: sentence,
            remedy: heldBy.isEmpty ? "" : "end the transaction that holds it")
    }

    /// A COMMIT that waits for a synchronous standby.
    var isSynchronousCommit: Bool { cause == Self.standby }
}
