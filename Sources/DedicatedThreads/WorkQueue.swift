import Glibc
import Synchronization

/// What a thread of our own does: jobs, first in, first out, and between them a look at what sleepers wait for.
final class WorkQueue: Sendable {
    enum Work: Sendable {
        /// With its executor, which the runtime may still look at when the job has dropped the last actor.
        case job(UnownedJob, DedicatedThread)
        case task(UnownedJob, any TaskExecutor)
        case call(@Sendable () -> Void)
    }

    private struct State {
        var waiting: [Work] = []
        var sleeping: [Wait] = []
        var isIdle = false
        var isStopped = false
    }

    /// How long jobs may follow one another before sockets and the time are looked at, where sleepers wait.
    private static let turn = Duration.microseconds(500)

    private let wakeUp: WakeUp
    private let state = Mutex(State())

    init(wakeUp: WakeUp) {
        self.wakeUp = wakeUp
    }

    // MARK: For any thread

    func add(_ work: Work) {
        let mustWake = state.withLock { state in
            state.waiting.append(work)
            // A thread at work looks here before it sleeps.
            return state.isIdle
        }
        if mustWake { wakeUp.signal() }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        wakeUp.signal()
    }

    /// Takes up a sleeper, unless it was signalled already: then its wait is over at once.
    func add(_ wait: Wait) {
        let (isOver, mustWake) = state.withLock { state in
            guard !wait.sleeper.takeSignal() else { return (true, false) }
            state.sleeping.append(wait)
            return (false, state.isIdle)
        }
        if isOver { wait.end(0) }
        if mustWake { wakeUp.signal() }
    }

    /// Ends the wait of a sleeper that was signalled, if it waits.
    func wake(_ sleeper: Sleeper) {
        let woken = state.withLock { state -> Wait? in
            guard let place = state.sleeping.firstIndex(where: { $0.sleeper === sleeper }), sleeper.takeSignal()
            else { return nil }
            return state.sleeping.remove(at: place)
        }
        woken?.end(0)
    }

    // MARK: For the thread

    /// The thread's whole life.
    func run() {
        var look = Look(wakeUp)
        while let batch = next(&look) {
            for work in batch {
                switch work {
                case .job(let job, let executor): executor.run(job)
                case .task(let job, let executor):
                    unsafe job.runSynchronously(on: executor.asUnownedTaskExecutor())
                case .call(let body): body()
                }
            }
        }
    }

    /// Waits for work; `nil` once there will be none.
    private func next(_ look: inout Look) -> [Work]? {
        while true {
            let isDue = ContinuousClock.now - look.last > Self.turn
            let (batch, isStopped) = state.withLock { state in
                var batch: [Work] = []
                swap(&batch, &state.waiting)
                state.isIdle = batch.isEmpty
                if batch.isEmpty || isDue { look.prepare(for: state.sleeping) }
                return (batch, state.isStopped)
            }
            if batch.isEmpty {
                if isStopped { return nil }
                wakeReady(look.wait())
            } else {
                if isDue, look.isWorthwhile { wakeReady(look.now()) }
                return batch
            }
        }
    }

    /// Ends the waits of those that are ready, unless something else has ended them meanwhile.
    private func wakeReady(_ ready: [Look.Ready]) {
        guard !ready.isEmpty else { return }
        let woken = state.withLock { state in
            state.isIdle = false
            return ready.filter { ready in
                guard let place = state.sleeping.firstIndex(where: { $0 === ready.wait }) else { return false }
                state.sleeping.remove(at: place)
                return true
            }
        }
        for ready in woken { ready.wait.end(ready.events) }
    }
}
