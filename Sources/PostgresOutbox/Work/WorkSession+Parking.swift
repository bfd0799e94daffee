import Libpq
import RelayCore

/// The statements that keep `outbox_parked`.
enum ParkedWrites {
    /// Two rows have one key: the hash is found by the index `outbox_parked_key`, which no key is too large for.
    static func sameKey(_ a: SQLText, _ b: SQLText) -> SQLText {
        "hashtextextended(\(a).aggregate_id, 0) = hashtextextended(\(b).aggregate_id, 0)"
            + " AND \(a).aggregate_id = \(b).aggregate_id"
    }

    /// What a row holds, to the byte: a jsonb may be equal to another that is written otherwise.
    private static func version(_ row: SQLText) -> SQLText {
        """
        (\(row).aggregate_type, \(row).aggregate_id, \(row).event_type, \(row).payload::text, \(row).headers::text, \
        \(row).created_at)
        """
    }

    /// Parks events with a copy of their rows: first those that were rejected, then those behind them, which look at
    /// what is before them.
    ///
    /// One that is parked already stays as it is; where somebody undid its mark and changed the row, it is another one,
    /// and parked anew.
    static func park(_ parked: [String: [Parking]], in schema: OutboxSchema) -> [Statement] {
        parked.sorted { $0.key < $1.key }.flatMap { sink, parkings in
            insert(sink, parkings.filter { $0.behind == nil }, schema)
                + insert(sink, parkings.filter { $0.behind != nil }, schema)
        }
    }

    /// An event that comes to stand behind others that are all to be tried again is tried with them: else a retry of all
    /// would never catch up with a busy key.
    private static func insert(_ sink: String, _ parkings: [Parking], _ schema: OutboxSchema) -> [Statement] {
        guard !parkings.isEmpty else { return [] }
        let ids = parkings.map(\.id)
        let copy = Statement(
            """
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
                reason, behind, requested, requested_at)
              SELECT $1, o.id, o.aggregate_type, o.aggregate_id, o.event_type, o.payload, o.headers, o.created_at,
                v.reason, v.behind, f.requested, CASE WHEN f.requested IS NOT NULL THEN clock_timestamp() END
              FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS v (id, reason, behind)
              JOIN \(schema.table) AS o ON o.id = v.id
              CROSS JOIN LATERAL (
                SELECT CASE WHEN v.behind IS NOT NULL AND NOT EXISTS (
                  SELECT FROM outbox_parked AS p
                  WHERE p.sink = $1 AND \(sameKey("p", "o")) AND p.id < o.id
                    AND p.requested IS DISTINCT FROM 'retry') THEN 'retry' END AS requested
              ) AS f
              ON CONFLICT (sink, id) DO UPDATE SET aggregate_type = EXCLUDED.aggregate_type,
                  aggregate_id = EXCLUDED.aggregate_id, event_type = EXCLUDED.event_type, payload = EXCLUDED.payload,
                  headers = EXCLUDED.headers, created_at = EXCLUDED.created_at, reason = EXCLUDED.reason,
                  behind = EXCLUDED.behind, attempts = 1, parked_at = clock_timestamp(),
                  requested = EXCLUDED.requested, requested_at = EXCLUDED.requested_at
                WHERE \(version("outbox_parked")) IS DISTINCT FROM \(version("EXCLUDED"))
            """,
            [
                .text(sink), .int8Array(ids), .textArray(parkings.map(\.reason)), .int8Array(parkings.map(\.behind)),
            ])
        let done = Statement(
            "DELETE FROM outbox_parked_request WHERE sink = $1 AND id = ANY($2::bigint[])",
            [.text(sink), .int8Array(ids)])
        return [copy, done]
    }

    /// What became of parked events that were tried again: gone, or parked still, and then nothing of the same key that
    /// is behind it is tried before somebody asks again.
    static func outcomes(_ bySink: [String: [ParkedOutcome]]) -> [Statement] {
        var statements: [Statement] = []
        for (sink, outcomes) in bySink.sorted(by: { $0.key < $1.key }) {
            let delivered = outcomes.filter { $0.rejection == nil }.map(\.id)
            if !delivered.isEmpty {
                statements.append(
                    Statement(
                        "DELETE FROM outbox_parked WHERE sink = $1 AND id = ANY($2::bigint[])",
                        [.text(sink), .int8Array(delivered)]))
            }
            for outcome in outcomes {
                guard let reason = outcome.rejection else { continue }
                statements += [
                    Statement(
                        """
                        UPDATE outbox_parked SET reason = $3, attempts = attempts + 1, requested = NULL,
                          requested_at = NULL WHERE sink = $1 AND id = $2
                        """, [.text(sink), .int(outcome.id), .text(reason)]),
                    Statement(
                        """
                        UPDATE outbox_parked AS p SET requested = NULL, requested_at = NULL FROM outbox_parked AS h
                          WHERE h.sink = $1 AND h.id = $2 AND p.sink = h.sink AND p.id > h.id
                            AND \(sameKey("p", "h")) AND p.behind IS NOT NULL AND p.requested = 'retry'
                        """, [.text(sink), .int(outcome.id)]),
                ]
            }
        }
        return statements
    }
}

/// Keys that are parked, and the lowest event of each.
enum ParkedKeys {
    private static let page = 10_000

    static func read(of sinks: [String], on connection: Connection) async throws -> [String: [EventKey: Int64]] {
        var keys: [String: [EventKey: Int64]] = [:]
        for sink in sinks {
            var above = Int64.min
            while true {
                let rows = try await connection.query(
                    """
                    SELECT id, aggregate_id FROM outbox_parked WHERE sink = $1 AND id > $2 ORDER BY id LIMIT \(page)
                    """, [.text(sink), .int(above)]
                ).rows
                for row in rows {
                    guard let id = row.int(0), let key = row.string(1).map(EventKey.init) else { continue }
                    if keys[sink]?[key] == nil { keys[sink, default: [:]][key] = id }
                }
                guard rows.count == page, let last = rows.last?.int(0) else { break }
                above = last
            }
        }
        return keys
    }
}

/// What a sweep found in `outbox_parked`.
struct ParkedActions: Sendable {
    var parkedToRetry: [String: [Int64]] = [:]
    /// Nil where nothing of it changed, and nobody asked.
    var keys: [String: [EventKey: Int64]]?
}

extension WorkSession {
    /// How many parked events of one sink a sweep takes on.
    private static let retriesAtOnce = 1000
    /// How many parked events a sweep discards; the next one goes on.
    private static let discardsAtOnce = 10_000

    /// Discards what somebody wants discarded and lists what is to be tried again, in the transaction that is open. An
    /// event behind one of its key that nobody wants tried waits.
    func takeParkedActions(readKeys: Bool) async throws -> ParkedActions {
        let discard = Statement(
            """
            DELETE FROM outbox_parked WHERE (sink, id) IN (SELECT sink, id FROM outbox_parked
              WHERE requested IS NOT NULL AND requested = 'discard' ORDER BY sink, id LIMIT \(Self.discardsAtOnce))
            """)
        let toRetry = Statement(
            """
            SELECT s.name, r.id FROM outbox_sink AS s CROSS JOIN LATERAL (
              SELECT p.id FROM outbox_parked AS p
              WHERE p.sink = s.name AND p.requested = 'retry' AND NOT (p.behind IS NOT NULL AND EXISTS (
                SELECT FROM outbox_parked AS e WHERE e.sink = p.sink AND \(ParkedWrites.sameKey("e", "p"))
                  AND e.id < p.id AND e.requested IS NULL))
              ORDER BY p.id LIMIT \(Self.retriesAtOnce)) AS r
            ORDER BY s.name, r.id
            """)
        let tables = try await connection.run([discard, toRetry])
        var found = ParkedActions()
        for row in tables.last?.rows ?? [] {
            if let sink = row.string(0), let id = row.int(1) { found.parkedToRetry[sink, default: []].append(id) }
        }
        let discarded = tables.first?.affectedRows ?? 0
        if readKeys || discarded > 0, !parkingByKey.isEmpty {
            found.keys = try await ParkedKeys.read(of: parkingByKey, on: connection)
        }
        return found
    }
}
