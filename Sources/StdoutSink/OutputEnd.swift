import Synchronization

/// How an output ends, for the sinks that write to it one after the other: each goes on where the one before left off.
package final class OutputEnd: Sendable {
    private let state = Mutex(OutputTail.lineStart)

    /// Of an output whose last line has its end.
    package init() {}

    var tail: OutputTail {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
