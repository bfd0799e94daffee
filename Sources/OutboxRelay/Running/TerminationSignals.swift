import ArgumentParser
import DedicatedThreads
import Glibc
import Synchronization

/// SIGTERM and SIGINT as a wish: the first asks for the end, a second one ends the process at once.
///
/// They are taken by a signal handler and heard by a thread of their own, so that neither depends on anything that the
/// rest of the process may be waiting for.
struct TerminationSignals: Sendable {
    /// The signal that asked for the end.
    var caught: Int32? {
        let number = firstTermination.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// Listens from now on; once in a process.
    ///
    /// - Parameters:
    ///   - onHangUp: what SIGHUP is for; without it, it ends the process as it always does.
    ///   - onTermination: called with the first signal.
    init(onHangUp: (@Sendable () async -> Void)? = nil, onTermination: @escaping @Sendable (Int32) async -> Void) {
        // Without a wake-up or a thread the signals do what they do by default: they end the process.
        guard let wakeUp, Pthread.start({ Self.listen(wakeUp, onHangUp, onTermination) }) != nil else { return }
        for number in [SIGTERM, SIGINT] + (onHangUp == nil ? [] : [SIGHUP]) {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = takeSignal
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    /// The thread's whole life.
    private static func listen(
        _ wakeUp: WakeUp, _ onHangUp: (@Sendable () async -> Void)?,
        _ onTermination: @escaping @Sendable (Int32) async -> Void
    ) {
        var isTold = false
        while true {
            wakeUp.wait()
            // Whatever it takes, the next signal is heard.
            if hangUps.exchange(0, ordering: .acquiringAndReleasing) > 0, let onHangUp { Task { await onHangUp() } }
            let number = firstTermination.load(ordering: .acquiring)
            if number != 0, !isTold {
                isTold = true
                Task { await onTermination(number) }
            }
        }
    }
}

// What the handler touches: it may run in the middle of anything (signal-safety(7)), so there are only numbers that
// change in one step, and a descriptor to write to.
private let firstTermination = Atomic<Int32>(0)
private let hangUps = Atomic<Int>(0)
private let wakeUp = WakeUp()

private let takeSignal: @convention(c) (Int32) -> Void = { number in
    let before = errno
    if number == SIGHUP {
        hangUps.add(1, ordering: .acquiringAndReleasing)
    } else {
        let (isFirst, _) = firstTermination.compareExchange(
            expected: 0, desired: number, ordering: .acquiringAndReleasing)
        if !isFirst { _exit(ExitCode.signal(number).rawValue) }
    }
    wakeUp?.signal()
    errno = before
}
