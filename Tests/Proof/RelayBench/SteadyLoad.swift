import Foundation
import Libpq
import RelayTestKit

/// Producers that insert one event a transaction, at random times.
struct SteadyLoad {
    let database: TestDatabase
    /// Events per second, of all together.
    let rate: Int
    var producers = 4
    /// The share of transactions that draw an id, insert and roll back, beside the events: 0 to 0.9.
    var rollbacks = 0.0

    /// - Returns: when each event's insert was sent. The acknowledgement of its commit comes later than a stream may bring it.
    func run(for length: Duration) async throws -> [Int64: ContinuousClock.Instant] {
        let end = ContinuousClock.now + length
        return try await withThrowingTaskGroup(of: [Int64: ContinuousClock.Instant].self) { group in
            for _ in 0..<producers {
                group.addTask { try await produce(until: end) }
            }
            return try await group.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
        }
    }

    private func produce(until end: ContinuousClock.Instant) async throws -> [Int64: ContinuousClock.Instant] {
        let mean = Double(producers) / Double(rate) * (1 - rollbacks)
        return try await database.withConnection { connection in
            var sentAt: [Int64: ContinuousClock.Instant] = [:]
            var next = ContinuousClock.now
            while next < end {
                // Independent of one another, as people's payments are: the pauses are exponential.
                next += .seconds(-log(Double.random(in: Double.leastNonzeroMagnitude...1)) * mean)
                try await Task.sleep(until: next, tolerance: .zero)
                if rollbacks > 0, Double.random(in: 0..<1) < rollbacks {
                    try await connection.execute("BEGIN")
                    _ = try await insert(connection)
                    try await connection.execute("ROLLBACK")
                    continue
                }
                let sent = ContinuousClock.now
                if let id = try await insert(connection) { sentAt[id] = sent }
            }
            return sentAt
        }
    }

    private func insert(_ connection: Connection) async throws -> Int64? {
        try await connection.query(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            VALUES ('t', 'k', 't.made', jsonb_build_object('text', repeat('x', 340))) RETURNING id
            """, prepares: true
        ).int(0, 0)
    }
}
