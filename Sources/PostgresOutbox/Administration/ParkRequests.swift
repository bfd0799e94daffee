import Libpq

/// Parks an event that its sink has not got past, so that the lane goes on and the event is kept: what
/// `outbox-relay parked add` does. The leader does it; here it is only asked for.
package struct ParkRequests: Sendable {
    /// How far the leader is.
    package struct Progress: Sendable, Hashable {
        /// Events that it has not come to.
        package var pending: Int
        /// Of the others, those that are not parked: the sink had them before.
        package var delivered: [Int64]
    }

    private let session: Session
    private let sink: String

    package init(_ session: Session, sink: String) {
        self.session = session
        self.sink = sink
    }

    /// Asks the leader to park these events.
    ///
    /// - Throws: where one of them is not there, or the sink is past it.
    package func ask(_ ids: [Int64]) async throws(Refusal) {
        try await session.transaction { () async throws(Refusal) in
            for id in ids { try await refuseWhatMakesNoSense(id) }
            try await session.run(
                """
                INSERT INTO \(requests) (sink, id) SELECT $1, id FROM unnest($2::bigint[]) AS id
                ON CONFLICT (sink, id) DO UPDATE SET taken_by = NULL, requested_at = clock_timestamp()
                """, [.text(sink), .int8Array(ids)])
        }
    }

    /// How far the leader is with these.
    package func progress(of ids: [Int64]) async throws(Refusal) -> Progress {
        let pending = try await rows(
            "SELECT id FROM \(requests) WHERE sink = $1 AND id = ANY($2::bigint[])", [.int8Array(ids)])
        guard pending.isEmpty else { return Progress(pending: pending.count, delivered: []) }
        let parked = try await rows(
            "SELECT id FROM \(session.schema.table("outbox_parked")) WHERE sink = $1 AND id = ANY($2::bigint[])",
            [.int8Array(ids)]
        ).compactMap { $0.int(0) }
        return Progress(pending: 0, delivered: ids.filter { !parked.contains($0) })
    }
}

extension ParkRequests {
    private var requests: SQLText { session.schema.table("outbox_parked_request") }

    private func refuseWhatMakesNoSense(_ id: Int64) async throws(Refusal) {
        let schema = session.schema
        let found = try await rows(
            """
            SELECT s.removing, s.start IS NULL AND s.delivered_through >= $2::bigint, s.pass_through >= $2::bigint,
              EXISTS (SELECT FROM \(schema.table("outbox")) WHERE id = $2::bigint),
              EXISTS (SELECT FROM \(schema.table("outbox_late")) WHERE sink = $1 AND id = $2::bigint AND NOT delivered),
              EXISTS (SELECT FROM \(schema.table("outbox_parked")) WHERE sink = $1 AND id = $2::bigint)
            FROM \(schema.table("outbox_sink")) AS s WHERE s.name = $1
            """, [.int(id)])
        guard let row = found.first else {
            throw refusal("sink \(sink) is not registered", "see outbox-relay sinks list")
        }
        guard row.bool(0) == false else {
            throw refusal("sink \(sink) is being removed, so nothing blocks it", "there is nothing to park")
        }
        if row.bool(5) == true {
            throw refusal(
                "event \(id) is already parked for sink \(sink)", "see outbox-relay parked list --sink \(sink)")
        }
        guard row.bool(3) == true else {
            throw refusal(
                "the outbox holds no event \(id)", "run outbox-relay status to see the event that blocks a sink")
        }
        guard row.bool(1) == false || row.bool(4) == true else {
            throw refusal(
                "sink \(sink) already has event \(id), or skipped it",
                "run outbox-relay status to see the event that blocks a sink")
        }
        guard row.bool(2) != true else {
            throw refusal("sink \(sink) skips event \(id)", "there is nothing to park")
        }
    }

    private func refusal(_ problem: String, _ remedy: String) -> Refusal {
        Refusal(.wrongRequest, check: "parked", problem: problem, remedy: remedy)
    }

    private func rows(_ text: SQLText, _ more: [Parameter]) async throws(Refusal) -> [ResultTable.Row] {
        try await Inspector(session).rows(text, [.text(sink)] + more)
    }
}
