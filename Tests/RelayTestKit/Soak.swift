import Libpq
import Synchronization

/// Producers that write into an outbox in every way that is hard on a relay, seeded.
///
/// They ride out a restart of the server: what a producer had open is lost and it connects again. What was committed
/// is what the outbox then holds.
package struct Soak: Sendable {
    /// What the producers did.
    package struct Statistics: Sendable {
        package var transactions = 0
        package var rolledBack = 0
        package var prepared = 0
        package var failed = 0
    }

    private let database: TestDatabase
    private let producers: Int
    private let duration: Duration
    private let longest: Double
    private let pause: Double
    private let seed: UInt64
    /// Prepared transactions that wait for somebody to commit them.
    private let desk = PreparedTransactions()

    /// - Parameters:
    ///   - duration: how long new transactions begin.
    ///   - longest: the longest time for which a transaction is left open, in seconds.
    ///   - pause: the longest pause of a producer between two transactions, in seconds.
    package init(
        _ database: TestDatabase, producers: Int = 8, duration: Duration, longest: Double = 1.5,
        pause: Double = 0.01, seed: UInt64 = .random(in: 0...UInt64.max)
    ) {
        (self.database, self.producers, self.duration) = (database, producers, duration)
        (self.longest, self.pause, self.seed) = (longest, pause, seed)
    }

    /// Whose schedule it is, for the failure's text.
    package var description: String { "soak with seed \(seed)" }

    /// Runs until the duration is over and every transaction, the prepared ones included, has ended.
    package func run() async throws -> Statistics {
        let end = ContinuousClock.now + duration
        let total = try await withThrowingTaskGroup(of: Statistics.self) { group in
            for producer in 0..<producers {
                group.addTask { try await produce(as: producer, until: end) }
            }
            return try await group.reduce(into: Statistics()) { sum, one in
                sum.transactions += one.transactions
                sum.rolledBack += one.rolledBack
                sum.prepared += one.prepared
                sum.failed += one.failed
            }
        }
        try await resolveRest()
        return total
    }

    private func produce(as producer: Int, until end: ContinuousClock.Instant) async throws -> Statistics {
        var random = SeededRandom(seed: seed &+ UInt64(producer) &* 1_000_003)
        var done = Statistics()
        var connection = try await reconnected()
        var turn = 0
        while ContinuousClock.now < end {
            turn += 1
            do {
                if random.chance(0.3), let identifier = desk.take() {
                    try await finish(identifier, on: connection, &random)
                } else {
                    try await move("\(database.name) \(producer) \(turn)", on: connection, &random, &done)
                }
            } catch {
                // The server went away, or was still on its way up: the transaction is lost, the producer goes on.
                done.failed += 1
                await connection.close()
                connection = try await reconnected()
            }
        }
        await connection.close()
        return done
    }

    private func move(
        _ identifier: String, on connection: Connection, _ random: inout SeededRandom, _ done: inout Statistics
    ) async throws {
        var move = ProducerMove.random(using: &random)
        if move == .prepare && !desk.reserve() { move = .insertIntoParent }
        let statements = move.statements(longest: longest, identifier: identifier, using: &random)
        for statement in statements { try await connection.execute(SQLText(trusting: statement)) }
        done.transactions += 1
        if statements.last == "ROLLBACK" { done.rolledBack += 1 }
        if move == .prepare {
            done.prepared += 1
            desk.put(identifier)
        }
        try await connection.execute(SQLText(trusting: "SELECT pg_sleep(\(random.seconds(pause)))"))
    }

    private func finish(_ identifier: String, on connection: Connection, _ random: inout SeededRandom) async throws {
        let verb: SQLText = random.chance(0.75) ? "COMMIT" : "ROLLBACK"
        try await connection.execute("\(verb) PREPARED \(SQLText(constant: identifier))")
        desk.finished()
    }

    private func reconnected() async throws -> Connection {
        var connection: Connection?
        try await eventually("a producer connects again", within: .seconds(60)) {
            connection = try? await database.connection()
            return connection != nil
        }
        return try connection ?? { throw KitFailure("no connection") }()
    }

    /// Commits what is still prepared, also what nobody remembers, however often the server goes away meanwhile.
    private func resolveRest() async throws {
        try await eventually("no transaction is left prepared", within: .seconds(60)) {
            guard let left = try? await database.query(Self.commits) else { return false }
            for commit in left.compactMap({ $0.first.flatMap(\.self) }) {
                do { try await database.execute(commit) } catch { return false }
            }
            return true
        }
    }

    private static let commits =
        "SELECT format('COMMIT PREPARED %L', gid) FROM pg_prepared_xacts WHERE database = current_database()"
}

/// The prepared transactions of a soak: a few at a time, since the server has only so many places.
private final class PreparedTransactions: Sendable {
    private static let most = 5
    private let state = Mutex<(open: Int, waiting: [String])>((0, []))

    func reserve() -> Bool {
        state.withLock { state in
            guard state.open < Self.most else { return false }
            state.open += 1
            return true
        }
    }

    func put(_ identifier: String) { state.withLock { $0.waiting.append(identifier) } }
    func take() -> String? { state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() } }
    func finished() { state.withLock { $0.open -= 1 } }
}
