import Libpq
import RelayCore

/// Waits for a database: tries again whatever may pass by itself, and says once what it waits for.
actor Patience {
    /// Give up when the database has not been reached for so long; nil: never.
    private let limit: Duration?
    /// Once the database was as it must be, nothing that it becomes ends the process.
    private(set) var hasBegun = false
    private var told: WaitingReport?

    init(limit: Duration?) {
        self.limit = limit
    }

    func begin() { hasBegun = true }

    /// Whether the last word was that somebody else leads.
    var saysStandby: Bool { if case .standby = told { true } else { false } }

    func tell(_ what: WaitingReport, _ report: @Sendable (WaitingReport) -> Void) {
        guard what != told else { return }
        told = what
        report(what)
    }

    /// Runs `attempt` until it succeeds.
    ///
    /// - Throws: ``RelayStop`` where trying again cannot help; `CancellationError`; what else `attempt` throws.
    func wait<Value: Sendable>(
        _ report: @Sendable (WaitingReport) -> Void, _ attempt: @Sendable () async throws -> Value
    ) async throws -> Value {
        told = nil
        let started = ContinuousClock.now
        var pause: Int64 = 50
        while true {
            try Task.checkCancellation()
            do {
                return try await attempt()
            } catch  where Task.isCancelled {
                // It was told to end: that says nothing of the database.
                throw CancellationError()
            } catch let refusal as Refusal {
                if refusal.kind != .unreachable, !hasBegun {
                    throw RelayStop(refusal)
                }
                if !hasBegun, let limit, ContinuousClock.now - started > limit {
                    throw RelayStop(refusal)
                }
                tell(.database(refusal.message), report)
            } catch let error as PostgresError {
                tell(.database(error.message), report)
            }
            try await Task.sleep(for: .milliseconds(pause))
            pause = min(pause * 2, 1000)
        }
    }
}
