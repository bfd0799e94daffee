import RelayConfiguration
import RelayCore
import StdoutSink

/// Makes a sink of its options, unfiltered.
func makeSink(_ option: SinkOption) -> any Sink {
    StdoutSink(name: option.name)
}

extension LaneOptions {
    /// How long the lane waits after outages.
    var retryPolicy: RetryPolicy {
        RetryPolicy(base: retryBase.milliseconds, maximum: retryMaximum.milliseconds)
    }
}

extension FilterOptions {
    /// The filter, its patterns taken apart.
    var eventFilter: EventFilter {
        EventFilter(
            types: .init(include: include, exclude: exclude),
            aggregates: .init(include: includeAggregates, exclude: excludeAggregates))
    }
}

extension Duration {
    /// Whole milliseconds, at least 1.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
