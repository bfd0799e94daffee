import Metrics
import RelayCore

/// How an attempt to deliver ended, as a label.
package enum AttemptOutcome: String, Sendable, CaseIterable {
    case delivered
    /// An outage: it is tried again.
    case outage
    /// The sink will never accept the event.
    case rejected
    /// Somebody has to fix the sink.
    case blocked
    /// The sink is gone for good.
    case closed

    init(_ outcome: DeliveryOutcome) {
        self =
            switch outcome {
            case .delivered: .delivered
            case .retry: .outage
            case .rejected: .rejected
            case .blocked: .blocked
            case .closed: .closed
            }
    }
}

/// A sink whose answers are counted. The contract of ``Sink`` holds on both sides.
///
/// It is right before the sink: what a filter keeps away is not counted.
package struct MeteredSink: Sink {
    private let base: any Sink
    private let delivered: Counter
    private let attempts: [AttemptOutcome: Counter]

    /// Counts what a sink answers.
    ///
    /// - Parameter factory: of the counters; where the process has none, nothing is counted.
    package init(_ base: any Sink, factory: any MetricsFactory = MetricsSystem.factory) {
        self.base = base
        let sink = (MetricLabel.sink, base.name)
        delivered = Counter(label: MetricName.eventsDelivered, dimensions: [sink], factory: factory)
        attempts = AttemptOutcome.allCases.reduce(into: [:]) { attempts, outcome in
            attempts[outcome] = Counter(
                label: MetricName.deliveryAttempts, dimensions: [sink, (MetricLabel.outcome, outcome.rawValue)],
                factory: factory)
        }
    }

    package var name: String { base.name }

    package func open(_ outbox: OutboxPosition) async throws(SinkError) { try await base.open(outbox) }

    package func close() async { await base.close() }

    package func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        await base.deliver(delivery) { count, outcome in
            attempts[AttemptOutcome(outcome)]?.increment()
            if outcome == .delivered { delivered.increment(by: count) }
            report(count, outcome)
        }
    }
}
