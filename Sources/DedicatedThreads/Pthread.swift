import Glibc

/// Threads of our own, for calls that block: the cooperative pool must never wait for a socket or a disk.
package enum Pthread {
    private final class Start {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    /// Runs `body` on a new detached thread, on which all signals are blocked; `nil` if the system gives none.
    package static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        let start = unsafe Unmanaged.passRetained(Start(body))
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                Pthread.leaveSignalsToOthers()
                start.body()
                return nil
            }, start.toOpaque())
        guard failure == 0 else {
            unsafe start.release()
            return nil
        }
        pthread_detach(thread)
        return thread
    }

    /// Signals are for the process, and a call that waits should not be interrupted by them.
    private static func leaveSignalsToOthers() {
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
    }
}
