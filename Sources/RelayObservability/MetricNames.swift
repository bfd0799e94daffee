/// The names of what is counted, as Prometheus has them; they and their labels are a promise to those who watch a relay.
package enum MetricName {
    /// Events that the sink took, those that it held already included; what a filter keeps from it is not: `sink`.
    package static let eventsDelivered = "outbox_relay_events_delivered_total"
    /// Answers of a sink, each for one or more events: `sink`, `outcome`.
    package static let deliveryAttempts = "outbox_relay_delivery_attempts_total"
    /// Events that came again, and that the sink found itself to hold already: `sink`.
    package static let duplicates = "outbox_relay_duplicates_total"
    /// Events that turned up at or below a sink's place; once for each sink that gets them.
    package static let lateEvents = "outbox_relay_late_events_total"
}

/// The labels of metrics.
package enum MetricLabel {
    package static let sink = "sink"
    /// One of ``AttemptOutcome``.
    package static let outcome = "outcome"
}
