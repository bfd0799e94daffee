import DedicatedThreads
import Glibc
import Synchronization

/// Looks up the addresses of one receiver, by a thread of its own, because nothing can interrupt that. There is at most one
/// at a time: whoever asks meanwhile waits for the same answer, and one that takes too long is not begun a second time.
final class NameLookUp: Sendable {
    private struct State: Sendable {
        /// Who waits for the one that is under way; nil: none is.
        var waiting: [Question]?
    }

    private let thread: DedicatedThread
    private let find: @Sendable () -> [ReceiverAddress]
    private let literal: [ReceiverAddress]?
    private let state = Mutex(State())

    convenience init(_ host: String, port: Int, on thread: DedicatedThread) {
        self.init(on: thread, literal: ReceiverAddress.find(host, port, AI_NUMERICHOST)) {
            ReceiverAddress.find(host, port, 0) ?? []
        }
    }

    /// - Parameters:
    ///   - literal: the addresses, where no name is to be looked up.
    ///   - find: asks the system; empty where it knows none.
    init(on thread: DedicatedThread, literal: [ReceiverAddress]?, find: @escaping @Sendable () -> [ReceiverAddress]) {
        self.thread = thread
        self.literal = literal
        self.find = find
    }

    /// In the order in which the system prefers them; at least one.
    ///
    /// - Throws: `PlainFailure`; `CancellationError`.
    func addresses(until deadline: ContinuousClock.Instant) async throws -> [ReceiverAddress] {
        if let literal { return literal }
        let question = Question(Sleeper(thread))
        let isFirst = state.withLock { state in
            defer { state.waiting = (state.waiting ?? []) + [question] }
            return state.waiting == nil
        }
        if isFirst, Pthread.start({ self.answer(self.find()) }) == nil {
            answer([])
            throw PlainFailure.noMeans(EAGAIN)
        }
        defer { state.withLock { $0.waiting?.removeAll { $0 === question } } }
        return try await question.answer(until: deadline)
    }

    private func answer(_ addresses: [ReceiverAddress]) {
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            return state.waiting ?? []
        }
        for question in waiting { question.give(addresses) }
    }

    /// One who waits.
    private final class Question: Sendable {
        private let sleeper: Sleeper
        private let found = Mutex<[ReceiverAddress]?>(nil)

        init(_ sleeper: Sleeper) {
            self.sleeper = sleeper
        }

        func give(_ addresses: [ReceiverAddress]) {
            found.withLock { $0 = addresses }
            sleeper.signal()
        }

        func answer(until deadline: ContinuousClock.Instant) async throws -> [ReceiverAddress] {
            try await withTaskCancellationHandler {
                while true {
                    try Task.checkCancellation()
                    if let addresses = found.withLock(\.self) {
                        guard !addresses.isEmpty else { throw PlainFailure.unresolved }
                        return addresses
                    }
                    guard ContinuousClock.now < deadline else { throw PlainFailure.connectTimeout }
                    _ = await sleeper.wait(until: deadline)
                }
            } onCancel: {
                sleeper.signal()
            }
        }
    }
}
