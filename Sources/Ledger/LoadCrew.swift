import Libpq

/// Carries a plan out, over a number of connections.
struct LoadCrew: Sendable {
    let plan: LoadPlan
    let target: ConnectionTarget
    let connections: Int
    let tally: LoadTally

    /// What is still running so long after the end is cut short: the server has gone, or is stuck.
    private static let overtime = Duration.seconds(3)
    private static let longestPause = Duration.seconds(1)
    /// What a transfer that commits by itself may take, its wait for others' locks included.
    private static let patience = Duration.seconds(10)

    /// Posts until the plan's time is over or the task is cancelled.
    func work() async {
        let pace = LoadPace(rate: plan.rate, duration: plan.duration)
        await withTaskGroup { group in
            group.addTask {
                await withTaskGroup { workers in
                    for _ in 0..<connections { workers.addTask { await post(by: pace) } }
                }
            }
            group.addTask { try? await Task.sleep(until: pace.end + Self.overtime, clock: .continuous) }
            await group.next()
            group.cancelAll()
        }
    }

    /// One connection's share, with a new connection where the old one is lost.
    private func post(by pace: LoadPace) async {
        var connection: Connection?
        var pause = Duration.milliseconds(20)
        while let due = pace.next(), (try? await Task.sleep(until: due, clock: .continuous)) != nil {
            do throws(PostgresError) {
                let current: Connection
                if let connection { current = connection } else { current = try await open(before: pace.end) }
                connection = current
                try await post(on: current, before: pace.end)
                pause = .milliseconds(20)
            } catch {
                // Cancelled by whoever runs the load: no failure. Cancelled for running late: one.
                if error.kind != .cancelled || ContinuousClock.now > pace.end { tally.count(error) }
                if error.connectionIsLost {
                    connection = nil
                    try? await Task.sleep(for: min(pause, pace.end - .now))
                    pause = min(pause * 2, Self.longestPause)
                }
            }
        }
        await connection?.close()
    }

    private func open(before end: ContinuousClock.Instant) async throws(PostgresError) -> Connection {
        try await Connection.open(target, timeout: max(end - .now, .milliseconds(1)))
    }

    /// One transfer, to its end.
    private func post(on connection: Connection, before end: ContinuousClock.Instant) async throws(PostgresError) {
        let ending = plan.ending()
        do throws(PostgresError) {
            if case .commit = ending {
                // Not to be cancelled: the server might have committed it already, and nobody would count it.
                try await connection.query(
                    LoadPlan.statement, plan.transfer(), timeout: Self.patience, cancellable: false)
            } else {
                try await connection.execute("BEGIN")
                try await connection.query(LoadPlan.statement, plan.transfer())
            }
            switch ending {
            case .commit: break
            case .rollBack: try await connection.rollBack()
            case .commitLate(let delay):
                try? await Task.sleep(for: max(min(delay, end - .now), .zero))
                // Also where the load was ended meanwhile: the transfer is posted, and counted as it is.
                try await connection.execute("COMMIT", timeout: Self.overtime, cancellable: false)
            }
        } catch {
            try? await connection.rollBack()
            throw error
        }
        tally.count(ending)
    }
}
