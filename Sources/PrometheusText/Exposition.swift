import Metrics
import Synchronization

/// What swift-metrics is told, kept and shown in Prometheus's text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/): counters and gauges as they are, timers as histograms in
/// seconds. A metric is kept until it is destroyed, for everybody who has made it; programs give few values to a label.
package final class Exposition: MetricsFactory {
    /// A metric of one name, with its values for each set of labels.
    private struct Family {
        enum Kind: String {
            case counter, gauge, histogram
        }

        let kind: Kind
        var series: [Labels: any Series] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        /// Of every series, each name once.
        var common: [(name: String, value: String)] = []
    }

    private let state = Mutex(State())
    private let help: [String: String]
    private let bounds: [String: [Double]]

    /// The bounds of histograms of which nothing else is said, in seconds.
    package static let usualBounds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    /// - Parameters:
    ///   - help: a sentence for each name that has one.
    ///   - bounds: for histograms by name, ascending, in seconds; else ``usualBounds``.
    package init(help: [String: String], bounds: [String: [Double]] = [:]) {
        self.help = help
        self.bounds = bounds
    }

    /// Gives a label to every series, in front of its own; it may become known late, and may change.
    package func label(_ name: String, _ value: String) {
        state.withLock { state in
            if let known = state.common.firstIndex(where: { $0.name == name }) {
                state.common[known].value = value
            } else {
                state.common.append((name, value))
            }
        }
    }

    /// Everything as text, in the order of the names.
    package func text() -> String {
        let (families, dimensions) = state.withLock { ($0.families, $0.common) }
        let common = Labels(dimensions.map { ($0.name, $0.value) })
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            if let help = help[name] { text += "# HELP \(name) \(Labels.escaped(help))\n" }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name: name, labels: common.followed(by: labels), to: &text)
            }
        }
        return text
    }

    private func series<Kept: Series>(
        _ name: String, _ dimensions: [(String, String)], _ kind: Family.Kind, _ make: () -> Kept
    ) -> Kept {
        let labels = Labels(dimensions)
        return state.withLock { state in
            if let kept = state.families[name]?.series[labels] as? Kept { return kept }
            let made = make()
            // A name that is used for two kinds stays what it was first; the other is not shown.
            var family = state.families[name] ?? Family(kind: kind)
            if family.kind == kind { family.series[labels] = made }
            state.families[name] = family
            return made
        }
    }

    /// What was made of it before goes on, and shows nothing.
    private func remove(_ handler: ObjectIdentifier) {
        state.withLock { state in
            for (name, family) in state.families {
                guard let labels = family.series.first(where: { ObjectIdentifier($0.value) == handler })?.key
                else { continue }
                state.families[name]?.series[labels] = nil
                if family.series.count == 1 { state.families[name] = nil }
            }
        }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter) { CounterSeries() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        series(label, dimensions, .gauge) { GaugeSeries() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { GaugeSeries() }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram) { HistogramSeries(bounds: bounds[label] ?? Self.usualBounds) }
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(ObjectIdentifier(handler)) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(ObjectIdentifier(handler)) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(ObjectIdentifier(handler)) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(ObjectIdentifier(handler)) }
}
