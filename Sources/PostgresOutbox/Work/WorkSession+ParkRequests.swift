import Libpq

extension WorkSession {
    /// How many requests one sweep takes on.
    private static let requestsAtOnce = 1000

    /// The events that somebody wants parked and that this leader has not been told of, per sink, in the transaction that
    /// is open. Requests for what a sink has got past are removed: it has the event, or it is parked.
    func takeParkRequests() async throws -> [String: [Int64]] {
        let passed = Statement(
            """
            DELETE FROM outbox_parked_request WHERE (sink, id) IN (
              SELECT r.sink, r.id FROM outbox_parked_request AS r JOIN outbox_sink AS s ON s.name = r.sink
              WHERE s.start IS NULL AND s.delivered_through >= r.id
                AND NOT EXISTS (SELECT FROM outbox_late AS l WHERE l.sink = r.sink AND l.id = r.id AND NOT l.delivered)
              LIMIT \(Self.requestsAtOnce))
            """)
        let taken = Statement(
            """
            UPDATE outbox_parked_request SET taken_by = $1 WHERE (sink, id) IN (
              SELECT sink, id FROM outbox_parked_request WHERE taken_by IS DISTINCT FROM $1
              ORDER BY sink, id LIMIT \(Self.requestsAtOnce))
            RETURNING sink, id
            """, [.int(epoch)])
        let tables = try await connection.run([passed, taken])
        var wanted: [String: [Int64]] = [:]
        for row in tables.last?.rows ?? [] {
            if let sink = row.string(0), let id = row.int(1) { wanted[sink, default: []].append(id) }
        }
        return wanted
    }
}
