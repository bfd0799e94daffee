import Metrics
import PostgresOutbox
import PrometheusText
import RelayCore
import RelayObservability
import RelaySight
import Testing

@Suite("The metrics of a relay")
struct SightMetricsTests {
    private let time = TestClock()
    private let exposition = Exposition(help: MetricName.help, bounds: MetricName.bounds)

    private func lines(_ metrics: SightMetrics) -> [String] {
        metrics.text().split(separator: "\n").map(String.init)
    }

    private func make(sinks: [String] = ["hook"]) -> (Sight, SightMetrics) {
        let sight = Sight(version: "1.2.3", isWALMode: true, sinks: sinks, clock: time.clock)
        return (sight, SightMetrics(of: sight, in: exposition) { 4096 })
    }

    /// Everything that is promised, with a sentence and a type that its name agrees with.
    @Test func everyNameIsThere() {
        let (sight, metrics) = make()
        _ = MeteredSink(NoSink(), progress: sight.progress, factory: exposition)
        EventCounters(factory: exposition).countLateEvent()
        sight.become(.leading)
        sight.take(.success(.of([.lacking(2)], held: ["stdout": 12])))
        let lines = lines(metrics)
        for name in MetricName.help.keys {
            let type = name.hasSuffix("_total") ? "counter" : name == MetricName.deliveryLatency ? "histogram" : "gauge"
            #expect(lines.contains("# TYPE \(name) \(type)"))
            #expect(lines.contains { $0.hasPrefix("# HELP \(name) ") })
        }
        let series = lines.filter { !$0.hasPrefix("#") }
        #expect(series.allSatisfy { $0.contains(#"{outbox="public.outbox""#) }, "\(series)")
    }

    @Test func valuesAreThoseOfTheLastReading() {
        let (sight, metrics) = make()
        sight.become(.leading)
        var reading = SightReading.of([.lacking(2)], held: ["stdout": 12])
        reading.status.streaming = true
        reading.status.orderHold = .init(pid: 7, seconds: 30, aboveID: 40)
        reading.unreadableRows = 1
        sight.take(.success(reading))
        let lines = lines(metrics)
        for line in [
            #"outbox_relay_lag_events{outbox="public.outbox",sink="hook"} 2.0"#,
            #"outbox_relay_lag_seconds{outbox="public.outbox",sink="hook"} 2.0"#,
            #"outbox_relay_parked{outbox="public.outbox",sink="hook"} 0.0"#,
            #"outbox_relay_order_hold_seconds{outbox="public.outbox"} 30.0"#,
            #"outbox_relay_leader{outbox="public.outbox"} 1.0"#,
            #"outbox_relay_streaming{outbox="public.outbox"} 1.0"#,
            #"outbox_relay_wal_mode{outbox="public.outbox"} 1.0"#,
            #"outbox_relay_buffer_bytes{outbox="public.outbox"} 4096.0"#,
            #"outbox_relay_build_info{outbox="public.outbox",version="1.2.3"} 1.0"#,
            #"outbox_relay_unconfigured_sink_rows{outbox="public.outbox",sink="stdout"} 12.0"#,
            #"outbox_relay_unreadable_rows{outbox="public.outbox"} 1.0"#,
        ] { #expect(lines.contains(line), "\(line)") }
        sight.become(.standby)
        let standby = self.lines(metrics)
        #expect(standby.contains(#"outbox_relay_leader{outbox="public.outbox"} 0.0"#))
        #expect(standby.contains(#"outbox_relay_streaming{outbox="public.outbox"} 0.0"#))
    }

    /// Before anything is known the process's own are there, and nothing that would be invented.
    @Test func beforeTheFirstReading() {
        let (_, metrics) = make()
        let lines = lines(metrics)
        #expect(lines.contains("outbox_relay_leader 0.0"))
        #expect(lines.contains("outbox_relay_last_reading_timestamp_seconds 0.0"))
        #expect(!lines.contains { $0.contains("outbox_relay_lag_events") || $0.contains("outbox_relay_unreadable") })
    }

    @Test func whatIsGoneIsNotShown() {
        let (sight, metrics) = make()
        sight.become(.leading)
        sight.take(.success(.of([.lacking(2), .lacking(1, name: "other")], held: ["stdout": 12])))
        let ofOther = #"outbox_relay_lag_events{outbox="public.outbox",sink="other"}"#
        #expect(lines(metrics).contains { $0.contains(ofOther) })
        // One is removed, and of the other the tables are locked.
        sight.take(.success(.of([.lacking(nil)])))
        let lines = lines(metrics)
        #expect(!lines.contains { $0.contains(#"sink="other""#) || $0.contains(#"sink="stdout""#) })
        #expect(!lines.contains { $0.contains("outbox_relay_lag_events") })
    }

    @Test func rowsThatTheProcessFoundUnreadableCountUntilEverySinkIsPastThem() {
        let (sight, metrics) = make()
        sight.become(.leading)
        for id in [Int64(5), 5, 9] { sight.noteUnreadable(id) }
        sight.take(.success(.of([.lacking(2, through: 4)])))
        #expect(lines(metrics).contains(#"outbox_relay_unreadable_rows{outbox="public.outbox"} 2.0"#))
        sight.take(.success(.of([.lacking(2, through: 6), .lacking(2, name: "other", through: 5)])))
        #expect(lines(metrics).contains(#"outbox_relay_unreadable_rows{outbox="public.outbox"} 1.0"#))
    }
}

/// Takes nothing.
private struct NoSink: Sink {
    let name = "hook"

    func open(_ outbox: OutboxPosition) async throws(SinkError) {}
    func close() async {}

    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {}
}
