import Libpq

/// Ends a stop for time travel: what `outbox-relay resume` does.
package struct Resumption: Sendable {
    /// What came of it.
    package enum Outcome: Sendable, Hashable {
        /// Nothing was stopped.
        case wasNotStopped
        /// The reason that was there is gone, and a relay may deliver again.
        case resumed(reason: String)
    }

    private let session: Session

    package init(_ session: Session) {
        self.session = session
    }

    /// Clears the reason for the stop, if its cause is fixed: the next id that the sequence gives lies above every row
    /// and every stored cursor.
    package func perform() async throws(Refusal) -> Outcome {
        let schema = session.schema
        return try await session.transaction { () async throws(Refusal) in
            let inspector = Inspector(session)
            // No cursor may change between the look and the answer.
            try await session.run("LOCK TABLE \(schema.table("outbox_sink")) IN SHARE ROW EXCLUSIVE MODE")
            let reason = try await inspector.rows(
                "SELECT stopped_reason FROM \(schema.table("outbox_leader")) FOR UPDATE"
            ).first?.string(0)
            guard let reason else { return .wasNotStopped }
            try await refuseUnfixed(inspector)
            try await session.run(
                "UPDATE \(schema.table("outbox_leader")) SET stopped_reason = NULL, stopped_at = NULL")
            return .resumed(reason: reason)
        }
    }

    private func refuseUnfixed(_ inspector: Inspector) async throws(Refusal) {
        let schema = session.schema
        let highestRow =
            try await inspector.rows("SELECT max(id) FROM \(schema.table)").first?.int(0) ?? 0
        let cursor = try await inspector.rows(
            """
            SELECT name, delivered_through FROM \(schema.table("outbox_sink")) ORDER BY delivered_through DESC LIMIT 1
            """
        ).first
        guard let sequence = try await SequenceState(session) else {
            throw Refusal(
                .configuration, check: "sequence", problem: "outbox.id has no sequence of its own",
                remedy: "run outbox-relay doctor")
        }
        let highestCursor = cursor?.int(1) ?? 0
        let needed = max(highestRow, highestCursor)
        guard sequence.issued < needed else { return }
        let restart = "ALTER SEQUENCE \(sequence.name) RESTART WITH \(needed < Int64.max ? needed + 1 : needed)"
        if highestCursor > highestRow {
            throw Refusal(
                .configuration, check: "went_back",
                problem: "the sequence is at \(sequence.issued), below id \(highestCursor) that sink "
                    + "\(cursor?.string(0) ?? "") was given",
                remedy: "run \(restart), or outbox-relay sinks move for each sink above it, then outbox-relay resume")
        }
        throw Refusal(
            .configuration, check: "went_back",
            problem: "the sequence is at \(sequence.issued), below id \(highestRow) that is in the outbox",
            remedy: "run \(restart), then outbox-relay resume")
    }
}
