import RelayCore

/// An event's time as a line can tell it: some times cannot be written, and then two of them cannot be told apart.
struct FileTime: Sendable, Hashable {
    /// Microseconds since 1970-01-01 00:00 UTC; the lowest number where the line has none.
    private let microseconds: Int64

    /// Of a row.
    init(createdAt: Int64) {
        microseconds = EventTime(microseconds: createdAt).isWritable ? createdAt : .min
    }

    /// Of a line.
    init(_ time: EventTime?) {
        microseconds = time?.microseconds ?? .min
    }

    /// As it is in the line.
    var text: String { EventTime(microseconds: microseconds).text ?? "none" }
}
