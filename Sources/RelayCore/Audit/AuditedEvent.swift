/// The SHA-256 of a payload's bytes.
package struct PayloadDigest: Sendable, Hashable {
    private let words: SIMD4<UInt64>

    /// The four words of a digest, the first byte being the highest of the first.
    package init(_ words: SIMD4<UInt64>) {
        self.words = words
    }

    /// - Parameter bytes: 32 of them; others make no digest.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words = SIMD4<UInt64>()
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.words = words
    }
}

/// An event as a line of a file tells of it.
package struct AuditLine: Sendable, Hashable {
    /// Where the line is.
    package struct Place: Sendable, Hashable {
        /// The file, counted from 0 in the order in which they were met.
        package var file: Int
        /// The line, counted from 1.
        package var line: Int

        package init(file: Int, line: Int) {
            self.file = file
            self.line = line
        }
    }

    package var id: Int64
    /// Microseconds since 1970-01-01 00:00 UTC; nil where a line cannot name the time.
    package var time: Int64?
    /// Of its `data`, byte for byte.
    package var payload: PayloadDigest
    package var place: Place

    package init(id: Int64, time: EventTime?, payload: PayloadDigest, place: Place) {
        self.id = id
        self.time = time?.microseconds
        self.payload = payload
        self.place = place
    }
}

/// A row of the outbox as far as an audit needs it.
package struct AuditRow: Sendable, Hashable {
    package var id: Int64
    /// Microseconds since 1970-01-01 00:00 UTC.
    package var createdAt: Int64
    /// The same of `published_at`; nil while it is not published.
    package var publishedAt: Int64?
    /// The transaction that wrote the row where it is: of a published one that which settled it.
    package var transaction: Int64
    /// Of its payload as PostgreSQL prints it.
    package var payload: PayloadDigest

    package init(id: Int64, createdAt: Int64, publishedAt: Int64?, transaction: Int64, payload: PayloadDigest) {
        self.id = id
        self.createdAt = createdAt
        self.publishedAt = publishedAt
        self.transaction = transaction
        self.payload = payload
    }

    /// The time as a line tells it.
    var lineTime: Int64? { EventTime(microseconds: createdAt).isWritable ? createdAt : nil }

    /// Whether this row can have turned up only after `other`, of a higher id, was delivered and settled: whether it
    /// can have been late (decision 12).
    ///
    /// What is not settled yet cannot be known, and counts as late.
    func canBeLate(after other: AuditRow) -> Bool {
        guard let published = publishedAt, let otherPublished = other.publishedAt else { return true }
        if createdAt > other.createdAt { return true }
        guard published > otherPublished else { return false }
        // Rows that one transaction settled have times of their own, in any order. After a restore all rows are of one.
        return transaction != other.transaction || published - otherPublished >= 1_000_000
    }
}
