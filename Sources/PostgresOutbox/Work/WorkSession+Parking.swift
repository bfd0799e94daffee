import Libpq
import RelayCore

/// The statements that keep `outbox_parked`.
enum ParkedWrites {
    /// Two rows have one key: the hash is found by the index `outbox_parked_key`, which no key is too large for.
    static func sameKey(_ a: String, _ b: String) -> String {
        "hashtextextended(\(a).aggregate_id, 0) = hashtextextended(\(b).aggregate_id, 0)"
            + " AND \(a).aggregate_id = \(b).aggregate_id"
    }

    private static let copied = "aggregate_type, aggregate_id, event_type, payload, headers, created_at"

    /// Parks events with a copy of their rows: first those that were rejected, then those behind them, which look at
    /// what is before them.
    static func park(_ parked: [String: [Parking]], in schema: OutboxSchema) -> String {
        parked.sorted { $0.key < $1.key }.map { sink, parkings in
            insert(sink, parkings.filter { $0.behind == nil }, schema)
                + insert(sink, parkings.filter { $0.behind != nil }, schema)
        }.joined()
    }

    /// An event that comes to stand behind others that are all to be tried again is tried with them: else a retry of all
    /// would never catch up with a busy key.
    private static func insert(_ sink: String, _ parkings: [Parking], _ schema: OutboxSchema) -> String {
        guard !parkings.isEmpty else { return "" }
        let values = parkings.map { parking in
            "(\(parking.id.sql), \(quotedLiteral(parking.reason)), \(parking.behind?.sql ?? "NULL::bigint"))"
        }
        let columns = copied.split(separator: ", ").map { "o.\($0)" }.joined(separator: ", ")
        return """
            INSERT INTO outbox_parked (sink, id, \(copied), reason, behind, requested, requested_at)
              SELECT \(quotedLiteral(sink)), o.id, \(columns), v.reason, v.behind, f.requested,
                CASE WHEN f.requested IS NOT NULL THEN clock_timestamp() END
              FROM (VALUES \(values.joined(separator: ", "))) AS v (id, reason, behind)
              JOIN \(schema.table) AS o ON o.id = v.id
              CROSS JOIN LATERAL (
                SELECT CASE WHEN v.behind IS NOT NULL AND NOT EXISTS (
                  SELECT FROM outbox_parked AS p
                  WHERE p.sink = \(quotedLiteral(sink)) AND \(sameKey("p", "o")) AND p.id < o.id
                    AND p.requested IS DISTINCT FROM 'retry') THEN 'retry' END AS requested
              ) AS f
              ON CONFLICT (sink, id) DO NOTHING;
            DELETE FROM outbox_parked_request WHERE sink = \(quotedLiteral(sink)) AND id = ANY(\(parkings.map(\.id).arraySQL));

            """
    }

    /// What became of parked events that were tried again: gone, or parked still, and then nothing of the same key that
    /// is behind it is tried before somebody asks again.
    static func outcomes(_ bySink: [String: [ParkedOutcome]]) -> String {
        var sql = ""
        for (sink, outcomes) in bySink.sorted(by: { $0.key < $1.key }) {
            let name = quotedLiteral(sink)
            let delivered = outcomes.filter { $0.rejection == nil }.map(\.id)
            if !delivered.isEmpty {
                sql += "DELETE FROM outbox_parked WHERE sink = \(name) AND id = ANY(\(delivered.arraySQL));\n"
            }
            for outcome in outcomes {
                guard let reason = outcome.rejection else { continue }
                sql += """
                    UPDATE outbox_parked SET reason = \(quotedLiteral(reason)), attempts = attempts + 1, requested = NULL,
                      requested_at = NULL WHERE sink = \(name) AND id = \(outcome.id.sql);
                    UPDATE outbox_parked AS p SET requested = NULL, requested_at = NULL FROM outbox_parked AS h
                      WHERE h.sink = \(name) AND h.id = \(outcome.id.sql) AND p.sink = h.sink AND p.id > h.id
                        AND \(sameKey("p", "h")) AND p.behind IS NOT NULL AND p.requested = 'retry';

                    """
            }
        }
        return sql
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
        let tables = try await connection.execute(
            """
            DELETE FROM outbox_parked WHERE (sink, id) IN (SELECT sink, id FROM outbox_parked
              WHERE requested IS NOT NULL AND requested = 'discard' ORDER BY sink, id LIMIT \(Self.discardsAtOnce));
            SELECT s.name, r.id FROM outbox_sink AS s CROSS JOIN LATERAL (
              SELECT p.id FROM outbox_parked AS p
              WHERE p.sink = s.name AND p.requested = 'retry' AND NOT (p.behind IS NOT NULL AND EXISTS (
                SELECT FROM outbox_parked AS e WHERE e.sink = p.sink AND \(ParkedWrites.sameKey("e", "p"))
                  AND e.id < p.id AND e.requested IS NULL))
              ORDER BY p.id LIMIT \(Self.retriesAtOnce)) AS r
            ORDER BY s.name, r.id
            """)
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
