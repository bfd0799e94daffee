import CLibpq
import DedicatedThreads
import Glibc

/// How a look at the replication stream ended.
package enum CopyStatus: Sendable, Hashable {
    /// The stream goes on; so many messages of so many bytes were handed over, maybe none.
    case open(messages: Int, bytes: Int)
    /// The server has ended the stream in good order; the connection takes statements again.
    case ended
}

// The streaming replication protocol (PostgreSQL documentation, 55.4). The connection is opened with
// `target["replication"] = "database"` and takes the simple protocol only: `execute`, never `query` or `rows`.
extension Connection {
    /// Sends `START_REPLICATION …` and enters the stream; from then on only the calls below work.
    ///
    /// - Parameters:
    ///   - wakingFrom: fewer bytes on the wire than these do not end a wait for messages before its time.
    ///   - timeout: past it the command is cancelled and the call throws `.timeout`.
    package func startCopyBoth(
        _ command: SQLText, wakingFrom bytes: Int32 = 1, timeout: Duration? = nil
    ) async throws(PostgresError) {
        let isInStream = try await exchange(timeout: timeout, cancellable: true) {
            exchange async throws(PostgresError) in
            guard exchange.link.send(command.text) else { throw Self.unsent(exchange) }
            var isInStream = false
            var error: PostgresError?
            try await exchange.results { result in
                if result.status == PGRES_COPY_BOTH { isInStream = true }
                if let failure = result.error { error = error ?? failure }
            }
            try Self.check(error, exchange)
            if isInStream { exchange.link.wakeFrom(bytes: bytes) }
            return isInStream
        }
        guard isInStream else {
            throw PostgresError(.protocolViolation, "the server did not enter a replication stream")
        }
        isInCopy = true
    }

    /// Waits for messages and hands over every whole one that is there.
    ///
    /// - Parameters:
    ///   - maxBytes: no further message is handed over once this many bytes were.
    ///   - waiting: how long to wait for the first message; `abandon()`, `wake()` and cancellation end it early.
    ///   - pausing: under a thick stream, how long to leave a dry socket alone before it is waited for: a sender that
    ///     sends each message by itself would else wake the thread for nearly each. At most a millisecond.
    ///   - state: moved in, given to `body` for every message, moved out; arrays in it are not copied
    ///     if the caller gives it away (`into: consume state`).
    ///   - body: runs on the connection's thread; the bytes are valid within it. What it throws is rethrown at once.
    /// - Throws: what `body` threw; or a `PostgresError`: `.cancelled` while it waited (nothing was handed over, the
    ///   stream goes on), the server's error, or the loss of the connection.
    package func receiveCopy<State: Sendable>(
        upTo maxBytes: Int, waiting: Duration, pausing: Duration = .zero, into state: consuming State,
        _ body: @Sendable (inout State, UnsafeRawBufferPointer) throws -> Void
    ) async throws -> (State, CopyStatus) {
        var state = consume state
        try requireCopy()
        var read = CopyRead(until: ContinuousClock.now + waiting, pausing: pausing, isThick: copyIsThick)
        var failure: (any Error)?
        let isOpen = try await exchange(timeout: nil, cancellable: true, cancelsOnServer: false) {
            exchange async throws(PostgresError) in
            while read.messages == 0 || read.bytes < maxBytes {
                var length: Int32 = 0
                do {
                    length = try unsafe exchange.link.nextCopyMessage { message in try unsafe body(&state, message) }
                } catch {
                    failure = error
                    return true
                }
                if length > 0 {
                    read.took(Int(length))
                } else if length == 0 {
                    guard try await exchange.moreComes(&read) else { return true }
                } else {
                    try await exchange.endCopy()
                    return false
                }
            }
            return true
        }
        copyIsThick = read.isThick && read.hasMuch
        if !isOpen { isInCopy = false }
        if let failure { throw failure }
        return (state, isOpen ? .open(messages: read.messages, bytes: read.bytes) : .ended)
    }

    /// Sends one message into the stream, whole.
    ///
    /// - Parameter timeout: past it the connection is cut and the call throws `.timeout`. Cancellation does not end it.
    package func sendCopy(_ bytes: [UInt8], timeout: Duration = .seconds(10)) async throws(PostgresError) {
        try requireCopy()
        try await exchange(timeout: timeout, cancellable: false, cancelsOnServer: false) {
            exchange async throws(PostgresError) in
            try await exchange.putCopy(bytes)
        }
    }

    private func requireCopy() throws(PostgresError) {
        _ = try usableLink()
        guard isInCopy else { throw PostgresError(.protocolViolation, "the connection is not in a replication stream") }
    }
}

/// One look at the stream: what it has brought, and how it goes on where libpq holds no whole message.
private struct CopyRead {
    /// Bytes: what is handed over at once from a thick stream. A transaction of one small row has fewer.
    private static let much = 256

    /// When the wait for the first message is over.
    let deadline: ContinuousClock.Instant
    let pausing: Duration
    /// The first message had hardly to be waited for.
    private(set) var isThick: Bool
    private(set) var messages = 0
    private(set) var bytes = 0
    /// The socket may be left alone for a while, once.
    private var mayPause: Bool
    private var began = ContinuousClock.now
    /// The socket held nothing when it was looked at last.
    private var isDry = false

    init(until deadline: ContinuousClock.Instant, pausing: Duration, isThick: Bool) {
        self.deadline = deadline
        self.pausing = pausing
        self.isThick = isThick
        mayPause = isThick && pausing > .zero
    }

    var hasMuch: Bool { bytes >= Self.much }

    enum Step {
        case pause, fetch, wait, end
    }

    mutating func took(_ length: Int) {
        if messages == 0 { isThick = ContinuousClock.now - began < pausing }
        messages += 1
        bytes += length
        isDry = false
    }

    mutating func next() -> Step {
        if mayPause, messages == 0 {
            mayPause = false
            return .pause
        }
        // What has come may have been too little to wake anybody; and a thick stream has more.
        if !isDry, messages == 0 || hasMuch {
            isDry = true
            return .fetch
        }
        return messages > 0 ? .end : .wait
    }

    mutating func paused() { began = ContinuousClock.now }
}

extension Exchange {
    /// - Returns: whether there may be a message now, so that libpq is to be asked again.
    fileprivate mutating func moreComes(_ read: inout CopyRead) async throws(PostgresError) -> Bool {
        switch read.next() {
        case .pause:
            await pause(read.pausing)
            read.paused()
        case .fetch: fetch()
        case .wait: return try await waitForCopy(until: read.deadline)
        case .end: return false
        }
        return true
    }

    /// Leaves the socket alone for so long, unless somebody wants something of the connection.
    func pause(_ duration: Duration) async {
        guard !interruptions.isWoken, !interruptions.isCancelled, !interruptions.isAbandoned else { return }
        _ = await interruptions.sleeper.wait(until: .now + duration)
    }

    /// Takes what is in the socket, without waiting for it.
    private mutating func fetch() { inputIsOver = !link.consumeInput() }

    /// Waits for more of the stream; `false` if there is no more until `limit`, or the wait was ended.
    mutating func waitForCopy(until limit: ContinuousClock.Instant) async throws(PostgresError) -> Bool {
        while true {
            if interruptions.isAbandoned { throw Self.abandoned }
            if inputIsOver { throw Connection.unsent(self) }
            // The signal of a wake may have been swallowed by an earlier wait; the note of it stays.
            let mayWait = !interruptions.isWoken && !interruptions.isCancelled
            let ready = await interruptions.sleeper.wait(
                socket: link.socket, events: POLLIN, until: mayWait ? limit : ContinuousClock.now)
            if ready != 0 || link.socket < 0 {
                // On a loss, whole messages that came before it are still handed over.
                fetch()
                return true
            }
            if interruptions.isCancelled {
                throw PostgresError(.cancelled, "waiting for the replication stream was cancelled")
            }
            if interruptions.takeWake() || ContinuousClock.now >= limit { return false }
        }
    }

    /// Queues a message and sends it, reading what comes meanwhile.
    mutating func putCopy(_ bytes: [UInt8]) async throws(PostgresError) {
        while true {
            let queued = link.putCopyData(bytes)
            if queued < 0 { throw Connection.unsent(self) }
            try await flush()
            if !link.isUsable { throw Connection.unsent(self) }
            if queued > 0 { return }
        }
    }

    /// Reads what follows the last message: an error, or the server's end of the stream, which is answered.
    mutating func endCopy() async throws(PostgresError) {
        link.wakeFrom(bytes: 1)
        var error: PostgresError?
        var answers = false
        repeat {
            answers = false
            try await results(stoppingAt: PGRES_COPY_IN) { result in
                switch result.status {
                case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: error = error ?? result.error
                case PGRES_COPY_IN: answers = true
                default: break
                }
            }
            if answers && link.putCopyEnd() < 0 { throw Connection.unsent(self) }
        } while answers
        try Connection.check(error, self)
    }
}
