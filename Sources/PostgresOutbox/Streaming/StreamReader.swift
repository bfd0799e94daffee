import Libpq
import RelayCore
import WallClock

/// Reads the replication stream and confirms what it received: every event is also a row, so nothing need be kept.
struct StreamReader: Sendable {
    /// Bytes of messages that are read before they are reported, at most.
    private static let portionBytes = 1 << 20
    /// A message of more bytes (on PostgreSQL 14, where whole rows stream) is not even decoded: libpq's buffer for it,
    /// which never shrinks, is given back with the connection, and a new stream continues after it.
    private static let largestMessage = 32 << 20
    /// Under load, between two reads of a dry socket.
    private static let pause = Duration.microseconds(300)

    /// The server sends a transaction's Begin (51 bytes on the wire), its rows and its Commit (56) one by one, and nothing
    /// is to be done for a Begin or a Commit alone. The end of a row, however little of it was left, and the Commit behind it
    /// are more.
    static let leastBytes: Int32 = 57

    private let session: Session

    init(_ session: Session) {
        self.session = session
    }

    /// What is decoded and not reported yet.
    private struct Decoded: Sendable {
        var decoder: PgoutputDecoder
        var announcements: [Announcement] = []
        private var transaction: UInt32 = 0
        private var ids: [Int64] = []
        var mustAnswer = false

        init(_ decoder: PgoutputDecoder) { self.decoder = decoder }

        mutating func take(_ message: UnsafeRawBufferPointer) throws {
            guard message.count <= largestMessage else {
                throw PostgresError(.closed, "a row is too large for the stream; it is read from the table instead")
            }
            switch try decoder.decode(message) {
            case .begin(let transaction, _): self.transaction = transaction
            case .inserted(let id):
                ids.append(id)
                // A transaction of a million rows becomes a few ranges, a portion at a time.
                if ids.count >= Self.idsAtOnce { announce() }
            case .commit: announce()
            case .keepalive(_, let replyRequested): if replyRequested { mustAnswer = true }
            case .relationChanged, .ignored: break
            }
        }

        private mutating func announce() {
            guard !ids.isEmpty else { return }
            announcements.append(Announcement(transaction: transaction, ids: IDRanges(ascending: ids.sorted())))
            ids.removeAll(keepingCapacity: true)
        }

        private static let idsAtOnce = 10_000

        mutating func takeAnnouncements() -> [Announcement] {
            announce()
            defer { announcements = [] }
            return announcements
        }
    }

    /// Runs until the server ends the stream.
    func run(_ report: @escaping @Sendable (StreamReport) async -> Void) async throws {
        let connection = session.connection
        let leaf = session.schema.unpublished
        var decoded = Decoded(PgoutputDecoder(namespace: leaf.schema, relation: leaf.name))
        var confirmed: UInt64 = 0
        var lastAnswer = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            let (next, status) = try await connection.receiveCopy(
                upTo: Self.portionBytes, waiting: .milliseconds(250), pausing: Self.pause, into: consume decoded
            ) { state, message in try state.take(message) }
            decoded = next
            let announcements = decoded.takeAnnouncements()
            if !announcements.isEmpty { await report(.rung(announcements)) }
            let now = ContinuousClock.now
            let received = decoded.decoder.receivedLSN
            if decoded.mustAnswer || (received > confirmed && now - lastAnswer > .milliseconds(100))
                || now - lastAnswer > .seconds(1)
            {
                try await connection.sendCopy(
                    StandbyStatus(received: received, sentAt: WallClock.microseconds).encoded())
                decoded.mustAnswer = false
                confirmed = received
                lastAnswer = now
            }
            if case .ended = status { return }
        }
    }
}
