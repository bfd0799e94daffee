import Libpq

/// What an administrator may do about events that are parked for a sink: list them, and ask the leader to try them again
/// or to discard them.
package struct ParkedEvents: Sendable {
    /// One parked event.
    package struct Entry: Sendable, Hashable {
        package var id: Int64
        package var aggregateType: String
        package var aggregateID: String
        package var eventType: String
        package var reason: String
        /// The event of the same key that it is parked behind.
        package var behind: Int64?
        package var attempts: Int64
        /// RFC 3339, in UTC.
        package var parkedAt: String
        /// `retry` or `discard`, where somebody has asked for it and the leader has not done it yet.
        package var requested: String?
    }

    package enum Action: String, Sendable {
        case retry, discard
    }

    /// A request that was written down.
    package struct Request: Sendable {
        /// How many events it is about.
        package var count: Int
        /// When it was made, by the server's clock, as the server prints it.
        fileprivate var made: String
        fileprivate var ids: [Int64]?
    }

    /// How far the leader is with a request.
    package struct Progress: Sendable {
        /// Events that it has not answered yet.
        package var pending: Int
        /// Some of those that were tried again and rejected once more, lowest first.
        package var rejected: [Entry]
    }

    private static let pageSize = 1000
    /// How many events one transaction marks.
    private static let portion = 10_000

    private let session: Session
    private let sink: String

    package init(_ session: Session, sink: String) {
        self.session = session
        self.sink = sink
    }

    /// The next parked events above `id`, ascending, a page of them; empty at the end.
    package func page(after id: Int64) async throws(Refusal) -> [Entry] {
        try await entries("id > $2::bigint ORDER BY id LIMIT \(Self.pageSize)", [.int(id)])
    }

    /// Asks the leader to try events again or to discard them.
    ///
    /// - Parameter ids: nil for all that are parked now.
    /// - Throws: where an id is not parked, or could only be tried again out of its key's order, or by nobody.
    package func ask(_ action: Action, _ ids: [Int64]?) async throws(Refusal) -> Request {
        if action == .retry, try await !isRegistered() {
            throw Refusal(
                .wrongRequest, check: "parked",
                problem: "sink \(sink) is not registered, so its events would not be retried",
                remedy: "register it with outbox-relay sinks add \(sink), or discard the events")
        }
        guard let ids else { return try await askForAll(action) }
        return try await session.transaction { () async throws(Refusal) in
            try await refuseWhatIsNotParked(ids)
            if action == .retry { try await refuseOutOfOrder(ids) }
            let (count, made, _) = try await mark(action, "id = ANY($2::bigint[])", .int8Array(ids))
            return Request(count: count, made: made, ids: ids)
        }
    }

    /// In portions, each a transaction: the leader, which removes what it has done, waits for none of them for long.
    /// Ascending, so that it never finds an event whose predecessors are still to be marked.
    private func askForAll(_ action: Action) async throws(Refusal) -> Request {
        var request = Request(count: 0, made: "-infinity", ids: nil)
        var last = Int64.min
        while true {
            let portion: SQLText = """
                id IN (SELECT id FROM \(table) WHERE sink = $1 AND id >= $2::bigint ORDER BY id LIMIT \(Self.portion))
                """
            let (count, made, highest) = try await mark(action, portion, .int(last))
            if count > 0 { request.made = made }
            request.count += count
            guard count == Self.portion, let highest, highest < .max else {
                if request.count == 0 { request.made = "infinity" }
                return request
            }
            last = highest + 1
        }
    }

    private func mark(
        _ action: Action, _ condition: SQLText, _ parameter: Parameter
    ) async throws(Refusal) -> (count: Int, made: String, highest: Int64?) {
        let row = try await rows(
            """
            WITH asked AS (
              UPDATE \(table) SET requested = $3, requested_at = clock_timestamp()
              WHERE sink = $1 AND \(condition) RETURNING id, requested_at)
            SELECT count(*), coalesce(max(requested_at), clock_timestamp()), max(id) FROM asked
            """, [parameter, .text(action.rawValue)]
        ).first
        return (Int(row?.int(0) ?? 0), row?.string(1) ?? "infinity", row?.int(2))
    }

    /// How far the leader is with what was asked.
    package func progress(of request: Request) async throws(Refusal) -> Progress {
        let about: SQLText = "($2::bigint[] IS NULL OR id = ANY($2::bigint[]))"
        // By the index of what is requested, however much is parked.
        let pending = try await rows(
            "SELECT count(*) FROM \(table) WHERE sink = $1 AND requested IS NOT NULL AND \(about)"
                + " AND requested_at <= $3::timestamptz",
            [array(request.ids), .text(request.made)])
        let count = Int(pending.first?.int(0) ?? 0)
        guard count == 0 else { return Progress(pending: count, rejected: []) }
        return Progress(
            pending: 0,
            rejected: try await entries(
                "\(about) AND requested IS NULL AND parked_at <= $3::timestamptz ORDER BY id LIMIT 10",
                [array(request.ids), .text(request.made)]))
    }

    /// Whether the sink is registered.
    package func isRegistered() async throws(Refusal) -> Bool {
        let found = try await Inspector(session).rows(
            "SELECT FROM \(session.schema.table("outbox_sink")) WHERE name = $1", [.text(sink)])
        return !found.isEmpty
    }
}

extension ParkedEvents {
    private var table: SQLText { session.schema.table("outbox_parked") }

    private func array(_ ids: [Int64]?) -> Parameter { ids.map { .int8Array($0) } ?? .null }

    private func rows(_ text: SQLText, _ more: [Parameter]) async throws(Refusal) -> [ResultTable.Row] {
        try await Inspector(session).rows(text, [.text(sink)] + more)
    }

    private func entries(_ condition: SQLText, _ more: [Parameter]) async throws(Refusal) -> [Entry] {
        try await rows(
            """
            SELECT id, aggregate_type, aggregate_id, event_type, reason, behind, attempts,
              to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), requested
            FROM \(table) WHERE sink = $1 AND \(condition)
            """, more
        ).map(Entry.init)
    }

    private func refuseWhatIsNotParked(_ ids: [Int64]) async throws(Refusal) {
        let missing = try await rows(
            """
            SELECT a.id FROM unnest($2::bigint[]) AS a (id)
            WHERE NOT EXISTS (SELECT FROM \(table) AS p WHERE p.sink = $1 AND p.id = a.id) ORDER BY 1 LIMIT 1
            """, [.int8Array(ids)])
        guard let id = missing.first?.int(0) else { return }
        throw Refusal(
            .wrongRequest, check: "parked", problem: "event \(id) is not parked for sink \(sink)",
            remedy: "see outbox-relay parked list --sink \(sink)")
    }

    private func refuseOutOfOrder(_ ids: [Int64]) async throws(Refusal) {
        let found = try await rows(
            """
            SELECT p.id, h.id FROM unnest($2::bigint[]) AS a (id) CROSS JOIN LATERAL (
              SELECT * FROM \(table) AS p WHERE p.sink = $1 AND p.id = a.id AND p.behind IS NOT NULL LIMIT 1) AS p
            CROSS JOIN LATERAL (
              SELECT e.id FROM \(table) AS e
              WHERE e.sink = p.sink AND \(ParkedWrites.sameKey("e", "p")) AND e.id < p.id
                AND e.requested IS NULL AND e.id <> ALL($2::bigint[]) ORDER BY e.id LIMIT 1) AS h
            ORDER BY 1 LIMIT 1
            """, [.int8Array(ids)])
        guard let row = found.first, let id = row.int(0), let head = row.int(1) else { return }
        throw Refusal(
            .wrongRequest, check: "parked", problem: "event \(id) is parked behind event \(head) of the same key",
            remedy: "retry or discard event \(head) too")
    }
}

extension ParkedEvents.Entry {
    fileprivate init(_ row: ResultTable.Row) {
        id = row.int(0) ?? 0
        aggregateType = row.string(1) ?? ""
        aggregateID = row.string(2) ?? ""
        eventType = row.string(3) ?? ""
        reason = row.string(4) ?? ""
        behind = row.int(5)
        attempts = row.int(6) ?? 0
        parkedAt = row.string(7) ?? ""
        requested = row.string(8)
    }
}
