import CLibpq
import DedicatedThreads
import Glibc
import Synchronization

/// What `PQcancel` needs to know of a connection; fixed at its start.
@safe
final class CancelKey: Sendable {
    /// Shared between threads: `PQcancel` only reads it, and is documented as safe beside use of the connection.
    private nonisolated(unsafe) let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe PQfreeCancel(pointer) }

    /// Asks the server to cancel what the connection runs. Blocks, without a time limit (libpq 15).
    fileprivate func send() -> Bool {
        var text = [CChar](repeating: 0, count: 256)
        return unsafe text.withUnsafeMutableBufferPointer { buffer in
            unsafe PQcancel(pointer, buffer.baseAddress, Int32(buffer.count)) == 1
        }
    }
}

/// One cancel request, sent from a thread of its own because it blocks.
final class ServerCancel: Sendable {
    private let succeeded = Mutex<Bool?>(nil)

    /// Sends the request; `sleeper` is signalled when it is over.
    init(_ key: CancelKey, sleeper: Sleeper) {
        let thread = Pthread.start { [self] in
            let sent = key.send()
            succeeded.withLock { $0 = sent }
            sleeper.signal()
        }
        if thread == nil { succeeded.withLock { $0 = false } }
    }

    /// `nil` while it is under way; `true` once the server has taken it, and so has signalled the backend: a later
    /// statement cannot be hit by it.
    var outcome: Bool? { succeeded.withLock { $0 } }
}
