/// An event that was to be parked and could not be: the sink's lane blocks at it.
package struct UnparkedEvent: Hashable, Sendable {
    package var sink: String
    package var id: Int64
    /// The server's words.
    package var reason: String

    package init(sink: String, id: Int64, reason: String) {
        self.sink = sink
        self.id = id
        self.reason = reason
    }

    /// For `status`.
    var parkingReason: String { "event \(id) was rejected and cannot be parked: \(reason)" }
}
