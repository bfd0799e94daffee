/// One outbox row, column by column, as PostgreSQL prints it in text format to a session whose `TimeZone` is UTC,
/// whose `DateStyle` is ISO and whose `client_encoding` is UTF8.
///
/// The bytes belong to whoever read the row and are valid only during the call they are given to.
package struct EventColumns {
    /// `id`: the outbox id, any `bigint`.
    package var id: Int64
    /// `aggregate_type`: UTF-8 text, not empty.
    package var aggregateType: UnsafeRawBufferPointer
    /// `aggregate_id`: UTF-8 text, the ordering key, perhaps empty.
    package var aggregateID: UnsafeRawBufferPointer
    /// `event_type`: UTF-8 text, not empty.
    package var eventType: UnsafeRawBufferPointer
    /// `payload`: `jsonb` as text, which never holds a line end.
    package var payload: UnsafeRawBufferPointer
    /// `headers`: `jsonb` as text.
    package var headers: UnsafeRawBufferPointer
    /// `created_at`: `timestamptz` as text, like `2026-11-20 22:16:30.213327+00`.
    package var createdAt: UnsafeRawBufferPointer

    /// Names a row's bytes.
    package init(
        id: Int64, aggregateType: UnsafeRawBufferPointer, aggregateID: UnsafeRawBufferPointer,
        eventType: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, headers: UnsafeRawBufferPointer,
        createdAt: UnsafeRawBufferPointer
    ) {
        self.id = id
        self.aggregateType = aggregateType
        self.aggregateID = aggregateID
        self.eventType = eventType
        self.payload = payload
        self.headers = headers
        self.createdAt = createdAt
    }
}

/// Why a row cannot be written as an event. None of these happens to a row of the outbox table as the relay reads it:
/// they tell of a column of another type, or of a session with other settings.
package enum EventEncodingError: Error, Sendable, Hashable {
    /// `created_at` is not a timestamp with time zone in ISO style; `text` is how it begins.
    case createdAt(id: Int64, text: String)
    /// `headers` is not JSON text; `offset` is the first byte that is out of place.
    case headers(id: Int64, offset: Int)
    /// `payload` is empty, or not on one line, and so is not `jsonb` text.
    case payload(id: Int64)
    /// No memory for a row that needs `bytes` bytes.
    case outOfMemory(id: Int64, bytes: Int)
}

extension EventEncodingError: CustomStringConvertible {
    /// One sentence: what is wrong, with which event, and how to fix it.
    package var description: String {
        switch self {
        case .createdAt(let id, let text):
            "event \(id) has a created_at that is not a timestamp with time zone in ISO style (\"\(text)\"); "
                + "give the column the type timestamptz"
        case .headers(let id, let offset):
            "event \(id) has headers that are not JSON (at byte \(offset)); give the column the type jsonb"
        case .payload(let id):
            "event \(id) has a payload that is not jsonb text; give the column the type jsonb"
        case .outOfMemory(let id, let bytes):
            "event \(id) needs \(bytes) bytes of memory, which are not available; "
                + "give the relay more, or write smaller events"
        }
    }
}
