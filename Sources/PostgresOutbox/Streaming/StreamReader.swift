import Libpq
import RelayCore

/// Reads the replication stream and confirms what it received: every event is also a row, so nothing need be kept.
struct StreamReader: Sendable {
    /// Bytes of messages that are made into one batch at most.
    private static let batchBytes = 1 << 20
    /// A message of more bytes is not even decoded: libpq's buffer for it, which never shrinks, is given back with the
    /// connection, polling brings the row in pieces, and a new stream what follows.
    private static let largestMessage = 32 << 20
    /// Under load, between two reads of a dry socket.
    private static let pause = Duration.microseconds(300)

    private let session: Session
    private let source: String

    init(_ session: Session, source: String) {
        self.session = session
        self.source = source
    }

    /// What is decoded and not handed over yet.
    private struct Decoded: Sendable {
        var decoder: PgoutputDecoder
        var builder: EventBatchBuilder
        var mustAnswer = false

        mutating func take(_ message: UnsafeRawBufferPointer) throws {
            guard message.count <= largestMessage else {
                throw PostgresError(.closed, "a row was too large for the stream and is read from the table")
            }
            if case .keepalive(_, let replyRequested) = try decoder.decode(message, into: &builder), replyRequested {
                mustAnswer = true
            }
        }
    }

    /// Runs until the server ends the stream.
    func run(_ report: @escaping @Sendable (StreamReport) async -> Void) async throws {
        let connection = session.connection
        var decoded = Decoded(
            decoder: PgoutputDecoder(namespace: session.schema.schema, relation: "outbox_unpublished"),
            builder: EventBatchBuilder(source: source))
        var confirmed: UInt64 = 0
        var lastAnswer = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            let (next, status) = try await connection.receiveCopy(
                upTo: Self.batchBytes, waiting: .milliseconds(250), pausing: Self.pause, into: consume decoded
            ) { state, message in try state.take(message) }
            decoded = next
            if decoded.builder.count > 0 { await report(.rows(decoded.builder.finish())) }
            let now = ContinuousClock.now
            let received = decoded.decoder.receivedLSN
            if decoded.mustAnswer || (received > confirmed && now - lastAnswer > .milliseconds(100))
                || now - lastAnswer > .seconds(1)
            {
                try await connection.sendCopy(
                    StandbyStatus(received: received, sentAt: wallClockMicroseconds()).encoded())
                decoded.mustAnswer = false
                confirmed = received
                lastAnswer = now
            }
            if case .ended = status { return }
        }
    }
}
