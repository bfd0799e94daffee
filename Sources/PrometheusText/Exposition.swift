import Metrics
import Synchronization

/// What swift-metrics is told, kept and shown in Prometheus's text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/): counters and gauges as they are, timers as histograms in
/// seconds. A metric is kept for the life of the process; programs give few values to a label.
package final class Exposition: MetricsFactory {
    /// A metric of one name, with its values for each set of labels.
    private struct Family {
        enum Kind: String {
            case counter, gauge, histogram
        }

        let kind: Kind
        var series: [Labels: any Series] = [:]
    }

    private let families = Mutex<[String: Family]>([:])
    private let help: [String: String]

    /// - Parameter help: a sentence for each name that has one.
    package init(help: [String: String]) {
        self.help = help
    }

    /// Everything as text, in the order of the names.
    package func text() -> String {
        let families = families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            if let help = help[name] { text += "# HELP \(name) \(Labels.escaped(help))\n" }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name: name, labels: labels, to: &text)
            }
        }
        return text
    }

    private func series<Kept: Series>(
        _ name: String, _ dimensions: [(String, String)], _ kind: Family.Kind, _ make: () -> Kept
    ) -> Kept {
        let labels = Labels(dimensions)
        return families.withLock { families in
            if let kept = families[name]?.series[labels] as? Kept { return kept }
            let made = make()
            // A name that is used for two kinds stays what it was first; the other is not shown.
            var family = families[name] ?? Family(kind: kind)
            if family.kind == kind { family.series[labels] = made }
            families[name] = family
            return made
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
        series(label, dimensions, .histogram) { HistogramSeries() }
    }

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}
