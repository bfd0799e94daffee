import Synchronization

/// Waits on a thread's loop for a descriptor, a time or a signal, without holding the thread.
///
/// One wait at a time. A signal carries no meaning of its own: who signals has written down elsewhere what changed; who
/// wakes looks.
package final class Sleeper: Sendable {
    private let queue: WorkQueue
    private let isSignalled = Atomic(false)

    /// - Parameter thread: whose loop looks at the descriptor; it must live for as long as somebody waits.
    package init(_ thread: DedicatedThread) {
        queue = thread.queue
    }

    /// Ends the present wait, or the next one if there is none. From any thread.
    package func signal() {
        isSignalled.store(true, ordering: .releasing)
        queue.wake(self)
    }

    /// Waits until the descriptor is ready, a signal comes or `deadline` passes; a signal is consumed.
    ///
    /// - Parameters:
    ///   - socket: the descriptor; a negative one is not waited for.
    ///   - events: `POLLIN`, `POLLOUT` or both.
    /// - Returns: the socket's events, 0 if it is not ready.
    package func wait(
        socket: Int32 = -1, events: Int32 = 0, until deadline: ContinuousClock.Instant? = nil
    ) async -> Int32 {
        await withCheckedContinuation { continuation in
            queue.add(Wait(of: self, socket: socket, events: events, until: deadline, continuation))
        }
    }

    func takeSignal() -> Bool { isSignalled.exchange(false, ordering: .acquiringAndReleasing) }
}

/// One wait of a sleeper.
final class Wait: Sendable {
    let sleeper: Sleeper
    let socket: Int32
    let events: Int32
    let deadline: ContinuousClock.Instant?
    private let continuation: CheckedContinuation<Int32, Never>

    init(
        of sleeper: Sleeper, socket: Int32, events: Int32, until deadline: ContinuousClock.Instant?,
        _ continuation: CheckedContinuation<Int32, Never>
    ) {
        self.sleeper = sleeper
        self.socket = socket
        self.events = events
        self.deadline = deadline
        self.continuation = continuation
    }

    func end(_ events: Int32) { continuation.resume(returning: events) }
}
