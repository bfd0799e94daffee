/// Carries a plan out, over a number of desks.
struct LoadCrew: Sendable {
    let plan: LoadPlan
    let pace: LoadPace
    let tally: LoadTally
    let desks: [any LoadDesk]

    private static let pauses = Duration.milliseconds(20)...Duration.seconds(1)

    /// Posts until the load's time is over or the task is cancelled.
    func work() async {
        await withTaskCancellationHandler {
            await withTaskGroup { group in
                group.addTask {
                    await withTaskGroup { workers in
                        for desk in desks { workers.addTask { await post(at: desk) } }
                    }
                }
                group.addTask { try? await Task.sleep(until: pace.lastAnswer, clock: .continuous) }
                await group.next()
                group.cancelAll()
            }
        } onCancel: {
            pace.stop()
        }
        tally.close(after: pace.length, dropped: pace.dropped)
    }

    /// One desk's share. A transfer's latency begins when it is due, so that what waits for a free desk has waited.
    private func post(at desk: any LoadDesk) async {
        var pause = Self.pauses.lowerBound
        while let due = pace.next(),
            (try? await Task.sleep(until: due, tolerance: .zero, clock: .continuous)) != nil
        {
            pace.begin()
            let transfer = plan.transfer()
            do throws(DeskFailure) {
                try await desk.post(transfer, by: pace)
                tally.count(transfer.ending, latency: .now - due)
                pause = Self.pauses.lowerBound
            } catch {
                // Cancelled by whoever runs the load: no failure. Cancelled for running late: one.
                if !error.isCancelled || pace.isInOvertime { tally.countFailure(error.reason) }
                if error.isAway {
                    try? await Task.sleep(for: min(pause, pace.end - .now))
                    pause = min(pause * 2, Self.pauses.upperBound)
                }
            }
        }
        await desk.close()
    }
}
