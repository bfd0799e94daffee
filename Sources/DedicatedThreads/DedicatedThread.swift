import Glibc
import Synchronization

/// An executor with a thread of its own: what an actor on it does may block without taking a thread from the
/// cooperative pool, and runs on no other thread (as libpq wants it for a `PGconn`).
///
/// The thread ends once the executor is gone and what was queued has run.
package final class DedicatedThread: SerialExecutor {
    private let queue: WorkQueue
    private let thread: pthread_t

    /// `nil` where the system gives no thread or no descriptor.
    package init?() {
        guard let wakeUp = WakeUp() else { return nil }
        let queue = WorkQueue(wakeUp: wakeUp)
        // The thread holds the queue, never the executor: its end is the executor's end.
        guard let thread = Pthread.start({ queue.run() }) else { return nil }
        self.queue = queue
        self.thread = thread
    }

    deinit { queue.stop() }

    /// What the thread sleeps on; work that waits for a socket waits on it too.
    package var wakeUp: WakeUp { queue.wakeUp }

    /// Runs `body` on the thread, after what was queued before it.
    package func run(_ body: @escaping @Sendable () -> Void) {
        queue.add(.call(body))
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        queue.add(.job(UnownedJob(job), self))
    }

    package func isIsolatingCurrentContext() -> Bool? {
        pthread_equal(thread, pthread_self()) != 0
    }

    package func checkIsolated() {
        precondition(pthread_equal(thread, pthread_self()) != 0, "not on the thread of this executor")
    }
}

/// First in, first out, between any threads and the one that runs it.
private final class WorkQueue: Sendable {
    enum Work: Sendable {
        /// With its executor, which the runtime may still look at when the job has dropped the last actor.
        case job(UnownedJob, DedicatedThread)
        case call(@Sendable () -> Void)
    }

    private struct State {
        var waiting: [Work] = []
        var isIdle = false
        var isStopped = false
    }

    let wakeUp: WakeUp
    private let state = Mutex(State())

    init(wakeUp: WakeUp) {
        self.wakeUp = wakeUp
    }

    func add(_ work: Work) {
        let mustWake = state.withLock { state in
            state.waiting.append(work)
            // A thread at work looks here before it sleeps; a signal would only disturb its wait for the server.
            return state.isIdle
        }
        if mustWake { wakeUp.signal() }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        wakeUp.signal()
    }

    /// The thread's whole life.
    func run() {
        while let batch = next() {
            for work in batch {
                switch work {
                case .job(let job, let executor):
                    unsafe job.runSynchronously(on: executor.asUnownedSerialExecutor())
                case .call(let body): body()
                }
            }
        }
    }

    /// Waits for work; `nil` once there will be none.
    private func next() -> [Work]? {
        while true {
            let (batch, isStopped) = state.withLock { state in
                var batch: [Work] = []
                swap(&batch, &state.waiting)
                state.isIdle = batch.isEmpty
                return (batch, state.isStopped)
            }
            if !batch.isEmpty { return batch }
            if isStopped { return nil }
            wakeUp.wait()
        }
    }
}
