import DedicatedThreads
import Glibc
import Synchronization

/// What others want of a connection while a call on it waits for the server.
///
/// They write it down here and wake the call that waits; it looks whenever it wakes. Whatever touches the socket
/// from outside goes through a duplicate of its descriptor, since libpq may close the original, and the system give
/// its number to another file, at any moment.
final class Interruptions: Sendable {
    private struct State {
        /// Counts the calls, so that a late cancellation cannot hit the next one.
        var call: UInt64 = 0
        var isRunning = false
        var isCancelled = false
        var isAbandoned = false
        var isWoken = false
        var socket: Int32 = -1
    }

    private let state = Mutex(State())
    let sleeper: Sleeper

    init(sleeper: Sleeper, socket: Int32) {
        self.sleeper = sleeper
        let copy = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        state.withLock { $0.socket = copy }
    }

    deinit { releaseSocket() }

    // MARK: For the connection

    /// Registers a call and names it.
    func begin() -> UInt64 {
        state.withLock { state in
            state.call += 1
            state.isRunning = true
            state.isCancelled = false
            return state.call
        }
    }

    func end() { state.withLock { $0.isRunning = false } }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    /// Whether `wake()` was called since it was last taken.
    var isWoken: Bool { state.withLock { $0.isWoken } }

    /// Whether `wake()` was called since this was last asked.
    func takeWake() -> Bool {
        state.withLock { state in
            defer { state.isWoken = false }
            return state.isWoken
        }
    }

    /// Lets go of the duplicate; the connection is gone.
    func releaseSocket() {
        state.withLock { state in
            if state.socket >= 0 { close(state.socket) }
            state.socket = -1
        }
    }

    /// Cuts the connection; reads and writes end at once, on both sides.
    func shutDown() {
        state.withLock { state in
            if state.socket >= 0 { _ = shutdown(state.socket, Int32(SHUT_RDWR)) }
        }
    }

    // MARK: For any thread

    /// Cancels the call of this number, if it is the one running.
    func cancel(_ call: UInt64) {
        let isRunning = state.withLock { state in
            guard state.isRunning, state.call == call else { return false }
            state.isCancelled = true
            return true
        }
        if isRunning { sleeper.signal() }
    }

    /// Cancels whatever runs.
    func cancelRunning() {
        let call = state.withLock { $0.call }
        cancel(call)
    }

    func abandon() {
        state.withLock { $0.isAbandoned = true }
        shutDown()
        sleeper.signal()
    }

    func wake() {
        state.withLock { $0.isWoken = true }
        sleeper.signal()
    }
}
