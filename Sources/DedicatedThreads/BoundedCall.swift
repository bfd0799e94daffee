import Synchronization

/// A call that may hang, such as one on a file system of the network: it has a thread of its own, and is waited for no
/// longer than a limit.
package final class BoundedCall<Value: Sendable>: Sendable {
    private let waiting = Mutex<CheckedContinuation<Value?, Never>?>(nil)

    private init() {}

    /// - Returns: nil where it did not end in time, or the system gives no thread for it.
    package static func run(within limit: Duration, _ body: @escaping @Sendable () -> Value) async -> Value? {
        let call = BoundedCall<Value>()
        let alarm = Task {
            if (try? await Task.sleep(for: limit)) != nil { call.end(with: nil) }
        }
        defer { alarm.cancel() }
        return await withCheckedContinuation { continuation in
            call.waiting.withLock { $0 = continuation }
            if Pthread.start({ call.end(with: body()) }) == nil { call.end(with: nil) }
        }
    }

    /// The first to come counts.
    private func end(with value: Value?) {
        waiting.withLock { $0.take() }?.resume(returning: value)
    }
}
