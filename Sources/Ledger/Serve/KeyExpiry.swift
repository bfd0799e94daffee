import Libpq
import Logging
import Metrics
import ServiceLifecycle

/// Deletes idempotency keys when their time is over.
struct KeyExpiry: Service {
    let pool: SessionPool
    /// After they were reserved.
    let keep: Duration
    let log: Logger

    func run() async throws {
        let pause = min(max(keep / 10, .seconds(1)), .seconds(60))
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if await deleteSome() < RequestStatements.mostExpired { try? await Task.sleep(for: pause) }
            }
        }
    }

    /// How many it were.
    private func deleteSome() async -> Int {
        guard let session = try? await pool.take(until: .now + .seconds(5)) else { return 0 }
        do {
            let table = try await session.query(
                RequestStatements.expire, [.text("\(keep.nanoseconds / 1000) microseconds")], timeout: .seconds(10))
            await pool.giveBack(session)
            Counter(label: MetricNames.expired).increment(by: table.affectedRows)
            return table.affectedRows
        } catch {
            await pool.giveBack(session)
            if error.kind != .cancelled { log.warning("old keys stay for now", metadata: error.metadata) }
            return 0
        }
    }
}
