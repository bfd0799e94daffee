import Metrics
import Synchronization

/// One metric with one set of labels.
protocol Series: AnyObject, Sendable {
    func write(name: String, labels: Labels, to text: inout String)
}

final class CounterSeries: Series, CounterHandler {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.add(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    func write(name: String, labels: Labels, to text: inout String) {
        text += "\(name)\(labels.text()) \(value.load(ordering: .relaxed))\n"
    }
}

final class GaugeSeries: Series, RecorderHandler, MeterHandler {
    private let value = Mutex(0.0)

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { self.value.withLock { $0 = value } }
    func set(_ value: Int64) { record(Double(value)) }
    func set(_ value: Double) { record(value) }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }

    func write(name: String, labels: Labels, to text: inout String) {
        text += "\(name)\(labels.text()) \(value.withLock { $0 })\n"
    }
}

/// Times in seconds, counted up to each of a row of bounds.
final class HistogramSeries: Series, TimerHandler {
    private static let bounds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    private struct Counts {
        /// For each bound those that are up to it and above the one before; last those above all.
        var places = [Int](repeating: 0, count: HistogramSeries.bounds.count + 1)
        var sum = 0.0
    }

    private let counts = Mutex(Counts())

    func recordNanoseconds(_ duration: Int64) {
        let seconds = Double(duration) / 1e9
        let place = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        counts.withLock { counts in
            counts.places[place] += 1
            counts.sum += seconds
        }
    }

    func write(name: String, labels: Labels, to text: inout String) {
        let counts = counts.withLock { $0 }
        var count = 0
        for (bound, more) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], counts.places) {
            count += more
            text += "\(name)_bucket\(labels.text(with: "le=\"\(bound)\"")) \(count)\n"
        }
        text += "\(name)_sum\(labels.text()) \(counts.sum)\n"
        text += "\(name)_count\(labels.text()) \(count)\n"
    }
}
