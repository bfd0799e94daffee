import RelayTestKit

/// What the relay's own tables hold, as tests write it down and compare it.
extension TestDatabase {
    /// Registers sinks that stand at these cursors, in generations from 1 on; one above 0 was earned.
    func register(_ cursors: KeyValuePairs<String, Int64>) async throws {
        for (name, cursor) in cursors {
            try await execute(
                """
                INSERT INTO outbox_sink (name, delivered_through, earned, start)
                VALUES ('\(name)', \(cursor), \(cursor > 0), NULL)
                """)
        }
    }

    /// Parks a row of the outbox for a sink.
    func park(_ id: Int64, for sink: String) async throws {
        try await execute(
            """
            INSERT INTO outbox_parked
              (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at, reason)
            SELECT '\(sink)', id, aggregate_type, aggregate_id, event_type, payload, headers, created_at, 'no'
            FROM outbox WHERE id = \(id)
            """)
    }

    /// Such as `2`, or `2 retry` where somebody has asked for that.
    func parked() async throws -> [String] {
        try await lines("SELECT id || coalesce(' ' || requested, '') FROM outbox_parked ORDER BY id")
    }

    /// Such as `a 5`, or `a 5 earned` where the cursor was reached by delivery.
    func cursors() async throws -> [String] {
        try await lines(
            """
            SELECT name || ' ' || delivered_through || CASE WHEN earned THEN ' earned' ELSE '' END
            FROM outbox_sink ORDER BY name
            """)
    }

    func published() async throws -> [Int64] {
        try await numbers("SELECT id FROM outbox_published ORDER BY id")
    }

    /// The ranges of absent ids, such as `3-4`.
    func ranges() async throws -> [String] {
        try await lines("SELECT first_id || '-' || last_id FROM outbox_absent ORDER BY first_id")
    }

    /// Such as `a 3`, or `a 3 delivered`.
    func owed() async throws -> [String] {
        try await lines(
            """
            SELECT sink || ' ' || id || CASE WHEN delivered THEN ' delivered' ELSE '' END FROM outbox_late
            ORDER BY sink, id
            """)
    }

    /// The unpublished rows that another claim would get.
    func unlocked() async throws -> [Int64] {
        try await numbers("SELECT id FROM outbox_unpublished ORDER BY id FOR UPDATE SKIP LOCKED")
    }

    /// The first column of every row.
    func lines(_ sql: String) async throws -> [String] { try await query(sql).compactMap { $0.first ?? nil } }
}
