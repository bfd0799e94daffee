import Libpq

extension Inspector {
    /// Whether ids are about to be issued a second time, or a leader has found so.
    func wentBackCheck() async throws(Refusal) -> Check {
        if let reason = try await rows(
            "SELECT stopped_reason FROM \(session.schema.table("outbox_leader")) WHERE stopped_reason IS NOT NULL"
        ).first?.string(0) {
            return .failed(
                "went_back", "the relay stopped: \(reason)",
                remedy: Self.wentBackRemedy)
        }
        let state = try await SequenceState(session, limit: limit)
        let highest = try await rows(
            "SELECT name, delivered_through FROM \(session.schema.table("outbox_sink")) "
                + "ORDER BY delivered_through DESC LIMIT 1"
        ).first
        guard let issued = state?.issued, let cursor = highest?.int(1), cursor > issued else {
            return .passed("went_back")
        }
        return .failed(
            "went_back",
            "sink \(highest?.string(0) ?? "") was given events up to id \(cursor), but the sequence is at \(issued)",
            remedy: Self.wentBackRemedy)
    }

    private static var wentBackRemedy: String {
        "restart the sequence above the highest id that was sent, or move the sinks, then run outbox-relay resume"
    }

    /// A row that is visible before it is durable may be delivered and then lost.
    func synchronousCommitCheck() async throws(Refusal) -> Check {
        let found = try await rows(
            "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'synchronous_commit'")
        guard found.first?.string(0) == "off" else { return .passed("synchronous_commit", severity: .warning) }
        return .failed(
            "synchronous_commit", severity: .warning,
            "synchronous_commit is off by default here, so a crash can undo a transaction whose event was already delivered",
            remedy: "set synchronous_commit = on for the roles that write to the outbox")
    }
}

/// What `wentBackCheck` finds, as an SQL expression: a cursor above what the sequence has issued.
enum StoredCursors {
    static func above(_ sequence: OutboxRelation) -> SQLText {
        """
        EXISTS (SELECT FROM outbox_sink WHERE delivered_through
          > (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM \(sequence)))
        """
    }
}

/// What the outbox's sequence has issued.
struct SequenceState: Sendable, Hashable {
    /// Its qualified name, quoted where needed.
    var name: String
    /// The highest id that was issued; one below the first where none was.
    var issued: Int64

    /// `nil` where the outbox has no sequence.
    ///
    /// - Parameter limit: how long the server may take to answer.
    init?(_ session: Session, limit: Duration? = nil) async throws(Refusal) {
        let sequence = session.schema.sequence
        guard sequence.exists else { return nil }
        name = sequence.shown
        // is_called is false before the first draw and after RESTART.
        let state = try await Inspector(session, limit: limit).rows(
            "SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM \(sequence)")
        issued = state.first?.int(0) ?? 0
    }
}
