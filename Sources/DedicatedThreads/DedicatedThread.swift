import Glibc

/// An executor with a thread of its own. What an actor on it does runs on no other thread (as libpq wants it for a
/// `PGconn`), and takes none from the cooperative pool.
///
/// Two ways to use it. One actor alone on it may block. Several share it as their loop: then none of them blocks, and
/// each waits with a ``Sleeper``; a call between two of them wakes no other thread. ``tasks`` keeps what belongs to no
/// actor there, too.
///
/// The thread ends once the executor is gone and what was queued has run.
package final class DedicatedThread: SerialExecutor {
    let queue: WorkQueue
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

    /// For tasks that are to run on this thread wherever no actor says otherwise.
    package var tasks: any TaskExecutor { ThreadTasks(self) }

    /// Sleeps without holding the thread, until `deadline` or until the task is cancelled.
    package func sleep(until deadline: ContinuousClock.Instant) async {
        let sleeper = Sleeper(self)
        await withTaskCancellationHandler {
            _ = await sleeper.wait(until: deadline)
        } onCancel: {
            sleeper.signal()
        }
    }

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

/// A thread's queue as a preference of tasks.
private final class ThreadTasks: TaskExecutor {
    private let thread: DedicatedThread

    init(_ thread: DedicatedThread) {
        self.thread = thread
    }

    func enqueue(_ job: consuming ExecutorJob) {
        thread.queue.add(.task(UnownedJob(job), self))
    }
}
