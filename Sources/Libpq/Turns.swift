/// The calls on a connection, one at a time, in the order in which they came. Used on the connection's actor alone.
final class Turns {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Waits until the calls before this one are over.
    func take() async {
        guard isTaken else { return isTaken = true }
        // Looks again where it gets in line: where a task prefers an executor, others run before the closure does, and
        // nobody would wake a call that came into line behind the last one's end.
        await withCheckedContinuation { continuation in
            if isTaken { return waiting.append(continuation) }
            isTaken = true
            continuation.resume()
        }
    }

    /// Ends a call: the next one's turn has come.
    func pass() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
