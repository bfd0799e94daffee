/// Events as they leave: their JSON lines one behind the other, and flat arrays of what the relay decides by.
///
/// It is immutable and cheap to pass: copies share one storage, which lives as long as any of them.
package struct EventBatch: Sendable {
    private let storage: EventStorage

    init(storage: EventStorage) {
        self.storage = storage
    }

    /// How many events there are.
    package var count: Int { storage.ids.count }
    /// The outbox ids, in the order in which the events were appended.
    package var ids: [Int64] { storage.ids }
    /// When each event was created, in microseconds since 1970-01-01 00:00 UTC. What does not fit (the last 30 years
    /// that PostgreSQL knows, and its infinities) becomes the nearest that does.
    package var createdAt: [Int64] { storage.createdAt }
    /// The 32-bit id of the transaction that wrote each event's row as it was read; 0 where nobody asked.
    package var transactions: [UInt32] { storage.transactions }
    /// What tells each event from another one of the same id.
    package var marks: [RowMark] {
        zip(storage.createdAt, storage.transactions).map { RowMark(createdAt: $0, transaction: $1) }
    }
    /// The memory that the batch holds, in bytes.
    package var byteCount: Int { storage.byteCount }

    /// Where the JSON line of an event is among the lines of the batch, its line end included.
    package func lineRange(_ index: Int) -> Range<Int> {
        lineBytes(index..<index + 1)
    }

    /// Where the JSON lines of consecutive events are among the lines of the batch, line ends included.
    ///
    /// - Parameter range: Indices of events.
    package func lineBytes(_ range: Range<Int>) -> Range<Int> {
        storage.lineStart(range.lowerBound)..<storage.lineStart(range.upperBound)
    }

    /// Gives out the JSON lines of consecutive events, each with its line end, one behind the other.
    ///
    /// - Parameters:
    ///   - range: Indices of events.
    ///   - body: Takes the bytes, which are valid only during the call.
    package func withLines<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(storage) {
            try body(storage.lines.bytes(lineBytes(range)))
        }
    }

    /// Gives out the payload of an event, byte for byte as PostgreSQL printed it.
    package func withPayload<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(storage) {
            // A line ends with the envelope's brace and the line end, behind the payload.
            let range = storage.places[index].payload..<storage.lineStart(index + 1) - 2
            return try body(storage.lines.bytes(range))
        }
    }

    /// Gives out the event type, as text and not as JSON.
    package func withEventType<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withBytes(storage.places[index].eventType, body)
    }

    /// Gives out the aggregate type, as text and not as JSON.
    package func withAggregateType<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withBytes(storage.places[index].aggregateType, body)
    }

    /// Gives out the aggregate id, the ordering key, as text and not as JSON; perhaps empty.
    package func withKey<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withBytes(storage.places[index].key, body)
    }

    /// Gives out the headers, byte for byte as PostgreSQL printed them.
    package func withHeaders<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withBytes(storage.places[index].headers, body)
    }

    private func withBytes<R>(_ place: EventPlace, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(storage) {
            try body(storage.bytes(place))
        }
    }
}

/// What the copies of a batch share.
final class EventStorage: Sendable {
    let ids: [Int64]
    let createdAt: [Int64]
    let transactions: [UInt32]
    let places: [EventPlaces]
    let lines: ByteArena
    let aside: ByteArena

    init(
        ids: [Int64], createdAt: [Int64], transactions: [UInt32], places: [EventPlaces], lines: ByteArena,
        aside: ByteArena
    ) {
        self.ids = ids
        self.createdAt = createdAt
        self.transactions = transactions
        self.places = places
        self.lines = lines
        self.aside = aside
    }

    /// Bytes of the flat arrays for each event.
    static let bytesPerEvent =
        2 * MemoryLayout<Int64>.stride + MemoryLayout<UInt32>.stride + MemoryLayout<EventPlaces>.stride

    var byteCount: Int {
        lines.count + aside.count + ids.count * Self.bytesPerEvent
    }

    /// Where the line of the event at `index` begins; for the index behind the last one, where the lines end.
    func lineStart(_ index: Int) -> Int {
        index == places.count ? lines.count : places[index].line
    }

    func bytes(_ place: EventPlace) -> UnsafeRawBufferPointer {
        switch place.area {
        case .line: lines.bytes(place.range)
        case .aside: aside.bytes(place.range)
        case .emptyObject: EventPlace.emptyObjectBytes
        }
    }
}
