import Metrics
import RelayCore
import Synchronization
import WallClock

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

/// A sink whose answers are counted, and how long its events took. The contract of ``Sink`` holds on both sides.
///
/// It is right before the sink: what a filter keeps away is not counted.
package struct MeteredSink: Sink {
    private let base: any Sink
    private let delivered: Counter
    private let attempts: [AttemptOutcome: Counter]
    /// Nil where the process has no metrics.
    private let latency: Timer?
    private let progress: DeliveryProgress.OfSink?

    /// Counts what a sink answers.
    ///
    /// - Parameters:
    ///   - progress: told what is delivered; `nil` where nobody looks.
    ///   - factory: of the counters; where the process has none, nothing is counted or measured.
    package init(
        _ base: any Sink, progress: DeliveryProgress? = nil, factory: any MetricsFactory = MetricsSystem.factory
    ) {
        self.base = base
        let sink = (MetricLabel.sink, base.name)
        delivered = Counter(label: MetricName.eventsDelivered, dimensions: [sink], factory: factory)
        attempts = AttemptOutcome.allCases.reduce(into: [:]) { attempts, outcome in
            attempts[outcome] = Counter(
                label: MetricName.deliveryAttempts, dimensions: [sink, (MetricLabel.outcome, outcome.rawValue)],
                factory: factory)
        }
        // There from the first look on, also of a sink that has none to tell.
        _ = Counter(label: MetricName.duplicates, dimensions: [sink], factory: factory)
        latency =
            factory is NOOPMetricsHandler
            ? nil : Timer(label: MetricName.deliveryLatency, dimensions: [sink], factory: factory)
        self.progress = progress?.of(base.name)
    }

    package var name: String { base.name }

    package func open(_ outbox: OutboxPosition) async throws(SinkError) {
        do throws(SinkError) {
            try await base.open(outbox)
        } catch {
            // One that cannot be opened delivers nothing either.
            attempts[error.code == .unavailable ? .outage : .blocked]?.increment()
            throw error
        }
    }

    package func close() async { await base.close() }

    package func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        let answered = Mutex(AnsweredEvents(delivery))
        await base.deliver(delivery) { count, outcome in
            attempts[AttemptOutcome(outcome)]?.increment()
            if outcome == .delivered {
                delivered.increment(by: count)
                let now = latency == nil && progress == nil ? 0 : WallClock.microseconds
                progress?.deliver(count, at: now / 1000)
                if let latency {
                    answered.withLock { answered in
                        answered.take(count) { latency.recordNanoseconds(nanoseconds(from: $0, to: now)) }
                    }
                }
            } else if latency != nil {
                // Whatever it was, those events have had their answer.
                answered.withLock { $0.take(count) { _ in } }
            }
            report(count, outcome)
        }
    }
}
