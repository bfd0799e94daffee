/// The names of what is counted and measured, as Prometheus has them; they and their labels are a promise to those who watch
/// a relay. What does not end in `_total` is a gauge, but for the one histogram. Each also has the label `outbox`.
package enum MetricName {
    /// Events that the sink took, those that it held already included; what a filter keeps from it is not: `sink`.
    package static let eventsDelivered = "outbox_relay_events_delivered_total"
    /// Answers of a sink, each for one or more events: `sink`, `outcome`.
    package static let deliveryAttempts = "outbox_relay_delivery_attempts_total"
    /// Events that came again, and that the sink found itself to hold already: `sink`.
    package static let duplicates = "outbox_relay_duplicates_total"
    /// Events that turned up at or below a sink's place; once for each sink that gets them.
    package static let lateEvents = "outbox_relay_late_events_total"
    /// From `created_at` to delivered, a histogram: `sink`.
    package static let deliveryLatency = "outbox_relay_delivery_latency_seconds"
    /// Events that the sink lacks, as of the last reading; no higher than where the reading stops counting: `sink`.
    package static let lagEvents = "outbox_relay_lag_events"
    /// The age of the oldest event that the sink lacks, 0 if none: `sink`.
    package static let lagSeconds = "outbox_relay_lag_seconds"
    /// Events that are parked, no higher than where the reading stops counting: `sink`.
    package static let parked = "outbox_relay_parked"
    /// For how long the order has been held back, 0 if it is not.
    package static let orderHoldSeconds = "outbox_relay_order_hold_seconds"
    /// 1 where this relay leads, else 0.
    package static let leader = "outbox_relay_leader"
    /// 1 where this relay leads and the WAL announces events to it, else 0.
    package static let streaming = "outbox_relay_streaming"
    /// 1 where this relay is configured for WAL mode, else 0.
    package static let walMode = "outbox_relay_wal_mode"
    /// Bytes of the events that are in this relay's memory.
    package static let bufferBytes = "outbox_relay_buffer_bytes"
    /// When this process last delivered to the sink; before it has, since when it serves it: `sink`.
    package static let lastProgress = "outbox_relay_last_progress_timestamp_seconds"
    /// When the outbox was last read for these metrics; 0 before the first reading.
    package static let lastReading = "outbox_relay_last_reading_timestamp_seconds"
    /// Always 1: `version`.
    package static let buildInfo = "outbox_relay_build_info"
    /// Rows that are held back by a registered sink that no relay is configured with: `sink`.
    package static let unconfiguredSinkRows = "outbox_relay_unconfigured_sink_rows"
    /// Rows that hold the order because they cannot be read.
    package static let unreadableRows = "outbox_relay_unreadable_rows"

    /// A sentence for each name.
    package static let help = [
        eventsDelivered: "Events that the sink took, those that it held already included.",
        deliveryAttempts:
            "Answers of the sink, each for one or more events, and failed openings, by how the attempt ended.",
        duplicates: "Events that came again and that the sink found itself to hold already.",
        lateEvents: "Events that turned up at or below a sink's place.",
        deliveryLatency: "From the creation of an event to its delivery.",
        lagEvents: "Events that the sink lacks; counting stops at 100000.",
        lagSeconds: "Age of the oldest event that the sink lacks, 0 if none.",
        parked: "Events that are parked for the sink; counting stops at 100000.",
        orderHoldSeconds: "For how long the order has been held back, 0 if it is not.",
        leader: "1 where this relay leads, else 0.",
        streaming: "1 where this relay leads and the WAL announces events to it, else 0.",
        walMode: "1 where this relay is configured for WAL mode, else 0.",
        bufferBytes: "Bytes of the events in this relay's memory.",
        lastProgress: "When this process last delivered to the sink; before it has, since when it serves it.",
        lastReading: "When the outbox was last read for these metrics, 0 before the first reading.",
        buildInfo: "The version of this relay; always 1.",
        unconfiguredSinkRows: "Rows held back by a registered sink that nobody serves; counting stops at 100000.",
        unreadableRows: "Rows that hold the order because they cannot be read.",
    ]

    /// The bounds of histograms by name, in seconds: half a millisecond to an hour.
    package static let bounds = [
        deliveryLatency: [
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
        ]
    ]
}

/// The labels of metrics.
package enum MetricLabel {
    package static let sink = "sink"
    /// One of ``AttemptOutcome``.
    package static let outcome = "outcome"
    package static let version = "version"
    /// The qualified name of the table that this relay serves; on every metric once it is known.
    package static let outbox = "outbox"
}
