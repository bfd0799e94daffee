/// The names of span attributes: those of OpenTelemetry's semantic conventions (messaging, HTTP, CloudEvents, database,
/// errors), and the relay's own, which begin with `outbox.`. They are a promise to those who search traces.
package enum SpanKey {
    package static let system = "messaging.system"
    package static let operation = "messaging.operation.name"
    package static let operationType = "messaging.operation.type"
    package static let destination = "messaging.destination.name"
    /// Of a span that is about one event.
    package static let messageID = "messaging.message.id"
    /// Of a span that is about several.
    package static let messageCount = "messaging.batch.message_count"
    package static let eventType = "cloudevents.event_type"
    package static let databaseSystem = "db.system.name"
    package static let errorType = "error.type"
    package static let requestMethod = "http.request.method"
    package static let responseStatus = "http.response.status_code"
    package static let serverAddress = "server.address"
    package static let serverPort = "server.port"
    package static let scheme = "url.scheme"

    package static let sink = "outbox.sink"
    /// The outbox id of the one event.
    package static let id = "outbox.id"
    /// The lowest and the highest outbox id of several events.
    package static let firstID = "outbox.first_id"
    package static let lastID = "outbox.last_id"
    /// How many lanes a settlement brings forward, and how many of its events it parks.
    package static let settledSinks = "outbox.settlement.sinks"
    package static let settledParked = "outbox.settlement.parked"
}

/// The values that are always the same.
package enum SpanValue {
    package static let system = "outbox_relay"
    package static let send = "send"
    package static let settle = "settle"
}
