import Glibc
import Synchronization
import UnixSignals

/// SIGTERM and SIGINT as a wish: the first asks for the end, a second one ends the process at once.
final class TerminationSignals: Sendable {
    private let first = Mutex<Int32?>(nil)
    private let listener = Mutex<Task<Void, Never>?>(nil)

    /// The signal that asked for the end.
    var caught: Int32? { first.withLock(\.self) }

    /// Listens from now on.
    ///
    /// - Parameters:
    ///   - onHangUp: what SIGHUP is for; without it, it ends the process as it always does.
    ///   - onTermination: called with the first signal.
    init(
        onHangUp: (@Sendable () async -> Void)? = nil, onTermination: @escaping @Sendable (Int32) async -> Void
    ) async {
        let signals: [UnixSignal] = [.sigterm, .sigint] + (onHangUp == nil ? [] : [.sighup])
        let sequence = await UnixSignalsSequence(trapping: signals)
        let task = Task { [weak self] in
            for await signal in sequence {
                if signal == .sighup {
                    // Whatever it takes, the next signal is heard.
                    if let onHangUp { Task { await onHangUp() } }
                } else {
                    self?.note(signal.rawValue)
                    await onTermination(signal.rawValue)
                }
            }
        }
        listener.withLock { $0 = task }
    }

    deinit { listener.withLock { $0?.cancel() } }

    private func note(_ number: Int32) {
        let isSecond = first.withLock { first in
            defer { first = first ?? number }
            return first != nil
        }
        if isSecond { _exit(128 + number) }
    }
}
