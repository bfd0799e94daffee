import Glibc
import Synchronization

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
    /// The present ``tasks``, for as long as anybody has them: they hold the thread.
    private let present = Mutex(Weak())

    private struct Weak {
        weak var tasks: ThreadTasks?
    }

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
    package var tasks: any TaskExecutor {
        present.withLock { present in
            if let tasks = present.tasks { return tasks }
            let tasks = ThreadTasks(self)
            present.tasks = tasks
            return tasks
        }
    }

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

    /// Runs a job of an actor, on the thread.
    ///
    /// The runtime asks where a task is and where it wants to be, its preference included. One that prefers this thread is
    /// where it wants to be only if it was run so; else each wait for a continuation, each cancellation handler and
    /// whatever else takes an isolation would go through the queue twice or three times.
    func run(_ job: UnownedJob) {
        if let tasks = present.withLock({ $0.tasks }) {
            unsafe job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: tasks.asUnownedTaskExecutor())
        } else {
            unsafe job.runSynchronously(on: asUnownedSerialExecutor())
        }
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
