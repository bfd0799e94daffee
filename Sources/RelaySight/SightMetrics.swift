import PostgresOutbox
import Metrics
import PrometheusText
import RelayObservability
import Synchronization

/// The gauges that are made of what ``Sight`` knows; set when somebody looks, out of memory.
package final class SightMetrics: Sendable {
    /// A name with one label or none.
    private struct Key: Hashable {
        let name: String
        let label: String
        let value: String

        init(_ name: String, _ label: String = "", _ value: String = "") {
            self.name = name
            self.label = label
            self.value = value
        }
    }

    private let sight: Sight
    private let exposition: Exposition
    private let bufferBytes: @Sendable () -> Int64
    private let gauges = Mutex<[Key: Gauge]>([:])

    /// - Parameters:
    ///   - exposition: with the process's counters; it gets the label `outbox` as soon as the table's name is known.
    ///   - bufferBytes: of the events in the relay's memory, at this moment; it must not wait.
    package init(of sight: Sight, in exposition: Exposition, bufferBytes: @escaping @Sendable () -> Int64) {
        self.sight = sight
        self.exposition = exposition
        self.bufferBytes = bufferBytes
    }

    /// Everything in Prometheus's text format.
    package func text() -> String {
        publish()
        return exposition.text()
    }

    /// Sets the gauges; those of sinks that are no more, and those whose value cannot be told, are gone.
    private func publish() {
        let state = sight.look()
        if let outbox = state.reading?.outbox { exposition.label(MetricLabel.outbox, outbox) }
        let values = ofProcess(state).merging(Self.ofReading(state)) { $1 }
        gauges.withLock { gauges in
            for (key, gauge) in gauges where values[key] == nil {
                gauge.destroy()
                gauges[key] = nil
            }
            for (key, value) in values {
                let gauge = gauges[key] ?? makeGauge(key)
                gauges[key] = gauge
                gauge.record(value)
            }
        }
    }

    private func makeGauge(_ key: Key) -> Gauge {
        Gauge(label: key.name, dimensions: key.label.isEmpty ? [] : [(key.label, key.value)], factory: exposition)
    }

    private func ofProcess(_ state: Sight.State) -> [Key: Double] {
        let streams = state.role == .leading && state.reading?.status.streaming == true
        var values: [Key: Double] = [
            Key(MetricName.leader): state.role == .leading ? 1 : 0,
            Key(MetricName.streaming): streams ? 1 : 0,
            Key(MetricName.walMode): sight.isWALMode ? 1 : 0,
            Key(MetricName.bufferBytes): Double(bufferBytes()),
            Key(MetricName.buildInfo, MetricLabel.version, sight.version): 1,
            Key(MetricName.lastReading): Double(state.readAt ?? 0) / 1000,
        ]
        for (sink, reading) in sight.progress.readings {
            values[Key(MetricName.lastProgress, MetricLabel.sink, sink)] = Double(reading.lastAt) / 1000
        }
        return values
    }

    private static func ofReading(_ state: Sight.State) -> [Key: Double] {
        guard let reading = state.reading else { return [:] }
        var values: [Key: Double] = [
            Key(MetricName.orderHoldSeconds): Double(reading.status.orderHold?.seconds ?? 0),
            Key(MetricName.unreadableRows): Double(max(reading.unreadableRows, Int64(state.unreadable.count))),
        ]
        for sink in reading.status.sinks {
            let (label, name) = (MetricLabel.sink, sink.name)
            values[Key(MetricName.lagEvents, label, name)] = sink.lagEvents.map { Double($0) }
            values[Key(MetricName.lagSeconds, label, name)] = sink.lagSeconds
            values[Key(MetricName.parked, label, name)] = sink.parked.map { Double($0) }
        }
        for (sink, rows) in Sight.unserved(state) {
            values[Key(MetricName.unconfiguredSinkRows, MetricLabel.sink, sink)] = Double(rows)
        }
        return values
    }
}
