import Foundation
import Libpq
import RelayTestKit

/// Producers that insert one event a transaction, at random times.
struct SteadyLoad {
    private static let producers = 4

    let database: TestDatabase
    /// Events per second, of all together.
    let rate: Int

    /// - Returns: when each event's insert was sent. The acknowledgement of its commit comes later than a stream may bring it.
    func run(for length: Duration) async throws -> [Int64: ContinuousClock.Instant] {
        let end = ContinuousClock.now + length
        return try await withThrowingTaskGroup(of: [Int64: ContinuousClock.Instant].self) { group in
            for _ in 0..<Self.producers {
                group.addTask { try await produce(until: end) }
            }
            return try await group.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
        }
    }

    private func produce(until end: ContinuousClock.Instant) async throws -> [Int64: ContinuousClock.Instant] {
        let mean = Double(Self.producers) / Double(rate)
        return try await database.withConnection { connection in
            var sentAt: [Int64: ContinuousClock.Instant] = [:]
            var next = ContinuousClock.now
            while next < end {
                // Independent of one another, as people's payments are: the pauses are exponential.
                next += .seconds(-log(Double.random(in: Double.leastNonzeroMagnitude...1)) * mean)
                try await Task.sleep(until: next, tolerance: .zero)
                let sent = ContinuousClock.now
                let row = try await connection.query(
                    """
                    INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
                    VALUES ('t', 'k', 't.made', jsonb_build_object('text', repeat('x', 340))) RETURNING id
                    """, prepares: true)
                if let id = row.int(0, 0) { sentAt[id] = sent }
            }
            return sentAt
        }
    }
}
