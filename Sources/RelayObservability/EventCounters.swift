import Metrics

/// Counters of what is not a sink's answer.
package struct EventCounters: Sendable {
    private let factory: any MetricsFactory
    private let late: Counter

    /// - Parameter factory: of the counters; where the process has none, nothing is counted.
    package init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
        late = Counter(label: MetricName.lateEvents, dimensions: [], factory: factory)
    }

    /// An event turned up late for one sink.
    package func countLateEvent() { late.increment() }

    /// Takes the number of events that a sink held already.
    package func duplicates(of sink: String) -> @Sendable (_ count: Int) -> Void {
        let counter = Counter(
            label: MetricName.duplicates, dimensions: [(MetricLabel.sink, sink)], factory: factory)
        return { counter.increment(by: $0) }
    }
}
