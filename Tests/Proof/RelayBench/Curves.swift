import Libpq
import RelayTestKit

extension Curve {
    static let all = [
        backlog, deadRows, payload, sinks, producers, rollbacks, published, standing,
    ]

    private static let rate = 300

    /// Rows that wait.
    private static let backlog = Curve(
        name: "backlog", points: [10_000, 100_000, 1_000_000, 10_000_000], bound: 1.5,
        work: .drain { bench, rows in
            try await bench.insert(rows)
            return Backlog(events: rows)
        })

    /// Rows that were deleted, and whose entries in the index an old snapshot keeps from being taken away.
    private static let deadRows = Curve(
        name: "dead-rows", points: [0, 10_000, 100_000, 1_000_000], bound: 1.5,
        work: .drain { bench, dead in
            let snapshot = try await OldSnapshot(of: bench.database)
            if dead > 0 {
                try await bench.insert(dead)
                try await bench.database.execute("DELETE FROM outbox_unpublished")
            }
            try await bench.insert(50_000)
            return Backlog(events: 50_000) { try await snapshot.end() }
        })

    /// Bytes of a payload. An event costs more where there is more to copy: what is bounded is a tenth of what grows.
    private static let payload = Curve(
        name: "payload", points: [100, 1000, 10_000, 100_000, 1_000_000], bound: 1000,
        work: .drain { bench, bytes in
            let events = min(50_000, 100_000_000 / bytes)
            var left = events
            while left > 0 {
                let portion = min(left, max(1, 10_000_000 / bytes))
                try await bench.database.insert(portion, bytes: bytes)
                left -= portion
            }
            return Backlog(events: events)
        })

    /// Files that each take everything.
    private static let sinks = Curve(
        name: "sinks", points: [1, 5, 10, 25, 50], bound: 1.5,
        work: .drain { bench, count in
            try await bench.insert(50_000)
            let sinks = (1...count).map { "  - {name: s\($0), to: \"file:FOLDER/s\($0).jsonl\"}" }
            return Backlog(events: 50_000, yaml: "sinks:\n" + sinks.joined(separator: "\n"), sinks: count)
        })

    /// Connections that insert, at one rate together.
    private static let producers = Curve(
        name: "producers", points: [1, 4, 8, 16, 32], bound: 1.5,
        work: .steady { bench, mode, count in
            var load = SteadyLoad(database: bench.database, rate: rate)
            load.producers = count
            return (try await SteadyReader(relayOf: bench, mode: mode), load)
        })

    /// Of a hundred transactions, those that roll back.
    private static let rollbacks = Curve(
        name: "rollbacks", points: [0, 5, 20, 50], bound: 1.5,
        work: .steady { bench, mode, percent in
            var load = SteadyLoad(database: bench.database, rate: rate)
            load.rollbacks = Double(percent) / 100
            return (try await SteadyReader(relayOf: bench, mode: mode), load)
        })

    /// Rows that are published already.
    private static let published = Curve(
        name: "published", points: [10_000, 100_000, 1_000_000, 10_000_000], bound: 1.5,
        work: .steady { bench, mode, rows in
            let history = StandingHistory(published: rows, ranges: 0, owed: 0, parked: 0)
            try await history.write(to: bench.database)
            try await bench.database.execute("DELETE FROM outbox_sink WHERE name = 'dead'")
            let reader = try await SteadyReader(relayOf: bench, mode: mode)
            return (reader, SteadyLoad(database: bench.database, rate: rate))
        })

    /// Ranges of absent ids, and as many rows that are owed, for a sink that is down.
    private static let standing = Curve(
        name: "standing", points: [0, 1000, 10_000, 100_000], bound: 1.5,
        work: .steady { bench, mode, count in
            let history = StandingHistory(published: 10_000, ranges: count, owed: count, parked: 0)
            try await history.write(to: bench.database)
            let dead = ", {name: dead, to: 'http://127.0.0.1:9/'}"
            let reader = try await SteadyReader(relayOf: bench, mode: mode, more: dead)
            return (reader, SteadyLoad(database: bench.database, rate: rate))
        })
}

/// A transaction that sees what was there when it began, and keeps it from being cleaned up.
private actor OldSnapshot {
    private let holder: Task<Void, any Error>
    private let (over, ending) = AsyncStream<Never>.makeStream()

    init(of database: TestDatabase) async throws {
        let (begun, hasBegun) = AsyncStream<Never>.makeStream()
        holder = Task { [over] in
            defer { hasBegun.finish() }
            try await database.withConnection { connection in
                try await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM outbox LIMIT 1")
                hasBegun.finish()
                for await _ in over {}
                try await connection.execute("COMMIT")
            }
        }
        for await _ in begun {}
    }

    func end() async throws {
        ending.finish()
        try await holder.value
    }
}
