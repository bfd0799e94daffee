import RelayRuntime

/// The clock of a simulated process.
struct VirtualClock: RelayClock {
    /// The runtime's jobs are the scheduler's.
    var tasks: (any TaskExecutor)? { nil }

    let process: SimulatedProcess

    var now: Int64 { process.milliseconds }

    func sleep(until time: Int64) async {
        let sleeper = process.sleeper(until: time)
        await withTaskCancellationHandler {
            await sleeper.sleep()
        } onCancel: {
            sleeper.cancel()
        }
    }
}
