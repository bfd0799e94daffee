import Foundation
import Libpq
import RelayTestKit

/// A sequence on which a database and the model do not agree, made small.
struct FailingSequence: Error, CustomStringConvertible {
    let seed: UInt64
    let length: Int
    let steps: [LedgerStep]
    let divergence: Divergence

    var description: String {
        """
        seed \(seed): \(length) steps, of which these are enough; PROP_SEED=\(seed) PROP_SEQUENCES=1 repeats them all
        \(steps.map { "  \($0)" }.joined(separator: "\n"))
        \(divergence)
        """
    }
}

/// Runs many sequences in one database, several at once.
struct SequenceSearch: Sendable {
    let database: TestDatabase
    private let connections = 4

    init() async throws {
        database = try await PrivateCluster.shared().database()
        try await Books.migrate(database)
        // By which a sequence finds the events of its book.
        try await database.execute("CREATE INDEX ON outbox ((payload #>> '{legs,0,account_id}'))")
    }

    /// Runs the sequence of each seed; gives one that fails, shrunk, or nothing.
    func failure(in seeds: Range<UInt64>, flaw: ReferenceLedger.Flaw? = nil) async throws -> FailingSequence? {
        let seed = try await withThrowingTaskGroup(of: UInt64?.self) { group in
            for worker in 0..<connections {
                group.addTask {
                    let mine = stride(from: seeds.lowerBound + UInt64(worker), to: seeds.upperBound, by: connections)
                    do {
                        return try await withConnection { try await firstFailure(of: mine, flaw, on: $0) }
                    } catch  where Task.isCancelled {
                        // It had not even connected when another found one.
                        return nil
                    }
                }
            }
            var lowest: UInt64?
            for try await case let seed? in group {
                lowest = min(seed, lowest ?? seed)
                group.cancelAll()
            }
            return lowest
        }
        guard let seed else { return nil }
        return try await withConnection { try await shrunk(seed, flaw, on: $0) }
    }

    /// A worker that is cancelled ends behind its sequence: the failing one is known.
    private func firstFailure(
        of seeds: StrideTo<UInt64>, _ flaw: ReferenceLedger.Flaw?, on connection: Connection
    ) async throws -> UInt64? {
        for seed in seeds {
            do {
                let steps = SequenceGenerator.sequence(seed: seed)
                if try await SequenceRun.divergence(of: steps, flaw: flaw, on: connection) != nil { return seed }
            } catch {
                if Task.isCancelled { return nil }
                throw KitFailure("seed \(seed): \(error)")
            }
        }
        return nil
    }

    private func shrunk(
        _ seed: UInt64, _ flaw: ReferenceLedger.Flaw?, on connection: Connection
    ) async throws -> FailingSequence {
        let steps = SequenceGenerator.sequence(seed: seed)
        let smallest = try await Shrinking.shrink(steps) {
            try await SequenceRun.divergence(of: $0, flaw: flaw, on: connection) != nil
        }
        let divergence = try await SequenceRun.divergence(of: smallest, flaw: flaw, on: connection)
        return FailingSequence(
            seed: seed, length: steps.count, steps: smallest,
            divergence: divergence ?? Divergence(step: nil, what: "it does not fail each time"))
    }

    private func withConnection<Value: Sendable>(
        _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        try await database.withConnection { connection in
            // Plans are made while the tables are empty, and kept.
            try await connection.execute("SET enable_seqscan = off")
            return try await body(connection)
        }
    }
}
