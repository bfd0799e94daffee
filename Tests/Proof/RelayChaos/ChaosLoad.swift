import Glibc
import RelayTestKit
import Synchronization

/// Transfers through the ledger, and beside them producers that are hard on an order by id, until they are told to end.
final class ChaosLoad: Sendable {
    private let database: TestDatabase
    private let transfers: RunningCommand
    private let isOver = Mutex(false)
    private let soak = Mutex<Task<Void, any Error>?>(nil)

    /// Starts it.
    ///
    /// - Parameters:
    ///   - rate: transfers a second.
    ///   - late: how many of a hundred stay open for 0.1 to 1 s.
    ///   - producers: how many of those beside, 0 for none.
    init(_ database: TestDatabase, rate: Int, late: Int = 2, producers: Int, seed: UInt64) async throws {
        self.database = database
        let migrated = try await run(["ledger", "migrate", "--database", database.conninfo])
        guard migrated.status == .exited(0) else { throw KitFailure("ledger migrate: \(migrated.errors)") }
        transfers = try RunningCommand([
            "ledger", "load", "--database", database.conninfo, "--rate", "\(rate)", "--duration", "1d",
            "--connections", "6", "--rollbacks", "5%", "--late", "\(late)%",
        ])
        guard producers > 0 else { return }
        soak.withLock { $0 = Task { try await produce(producers, seed: seed) } }
    }

    /// Ends it once every transaction has ended, and gives what the ledger's load says of itself.
    func end() async throws -> String {
        isOver.withLock { $0 = true }
        transfers.signal(SIGINT)
        try await soak.withLock { $0 }?.value
        let ended = try await transfers.end(within: .seconds(120))
        guard ended.status == .exited(0) else { throw KitFailure("ledger load: \(ended.status) \(ended.errors)") }
        return ended.lastLine
    }

    /// In pieces, since a soak ends with everything that was prepared.
    private func produce(_ producers: Int, seed: UInt64) async throws {
        var piece = seed
        while !isOver.withLock({ $0 }) {
            piece &+= 1
            _ = try await Soak(
                database, producers: producers, duration: .seconds(5), longest: 0.5, pause: 0.3, seed: piece
            ).run()
        }
    }
}
