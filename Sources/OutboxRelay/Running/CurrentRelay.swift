import RelayRuntime
import Synchronization

/// The relay that runs at this moment, for those who ask it and must not care which one it is.
final class CurrentRelay: Sendable {
    private let relay: Mutex<any StoppableRelay>

    init(_ relay: any StoppableRelay) {
        self.relay = Mutex(relay)
    }

    var value: any StoppableRelay {
        get { relay.withLock { $0 } }
        set { relay.withLock { $0 = newValue } }
    }

    /// Of the events that it holds in memory.
    var bufferedBytes: Int64 { value.buffered.bytes }

    /// Answers once it has a turn: nothing holds up what it runs on.
    func isAlive() async -> Bool { await value.isAlive() }
}
