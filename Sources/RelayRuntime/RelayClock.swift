import DedicatedThreads
import Glibc

/// What the relay runs on: the time as it knows it, and where its tasks run.
package protocol RelayClock: Sendable {
    /// Milliseconds on a clock that never goes back and counts suspension.
    var now: Int64 { get }
    /// Returns at `time` or when the task is cancelled, whichever comes first.
    func sleep(until time: Int64) async
    /// Where tasks run that no actor holds; `nil`: on the pool.
    var tasks: (any TaskExecutor)? { get }
}

extension RelayClock {
    /// Starts a task of the relay, in the actor that starts it, if it is one. It begins later, never in the middle of what
    /// starts it.
    @discardableResult
    func task<Value: Sendable>(
        @_inheritActorContext _ body: sending @escaping @isolated(any) () async -> Value
    ) -> Task<Value, Never> {
        Task(executorPreference: tasks, operation: body)
    }
}

/// CLOCK_BOOTTIME: a process that was stopped, or a host that slept, finds the time gone by.
package struct BootClock: RelayClock {
    private let thread: DedicatedThread?
    package let tasks: (any TaskExecutor)?

    /// - Parameter thread: the loop on which everything runs and sleeps; `nil`: the pool, and the runtime's timers.
    package init(on thread: DedicatedThread? = nil) {
        self.thread = thread
        tasks = thread?.tasks
    }

    package var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    package func sleep(until time: Int64) async {
        let wait = Duration.milliseconds(max(0, time - now))
        guard let thread else { return _ = try? await Task.sleep(for: wait) }
        await thread.sleep(until: .now + wait)
    }
}
