/// What a client tells the server of its progress: the "Standby status update" message.
///
/// Format: PostgreSQL documentation, "Streaming Replication Protocol".
package struct StandbyStatus: Sendable, Hashable {
    /// The position up to which the WAL was received and written.
    package var written: UInt64
    /// The position up to which it is safe: the slot retains nothing before it.
    package var flushed: UInt64
    /// The position up to which it was applied.
    package var applied: UInt64
    /// The time of sending, in microseconds since 1970-01-01 00:00 UTC.
    package var sentAt: Int64
    /// Whether the server is to answer at once.
    package var replyRequested: Bool

    /// Confirms everything up to a position: received means confirmed, since every event is also a row.
    ///
    /// - Parameters:
    ///   - received: The highest position received.
    ///   - sentAt: Now, in microseconds since 1970-01-01 00:00 UTC.
    ///   - replyRequested: Whether the server is to answer at once.
    package init(received: UInt64, sentAt: Int64, replyRequested: Bool = false) {
        written = received
        flushed = received
        applied = received
        self.sentAt = sentAt
        self.replyRequested = replyRequested
    }

    /// 2000-01-01 00:00 UTC, from where PostgreSQL counts, in microseconds since 1970.
    private static let postgresEpoch: Int64 = 946_684_800_000_000

    /// The 34 bytes to be sent as the content of a CopyData message.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "r")]
        bytes.reserveCapacity(34)
        for field in [written, flushed, applied, UInt64(bitPattern: sentAt &- Self.postgresEpoch)] {
            withUnsafeBytes(of: field.bigEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.append(replyRequested ? 1 : 0)
        return bytes
    }
}
