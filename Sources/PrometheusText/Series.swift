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
        text += name
        labels.write(to: &text)
        text += " \(value.load(ordering: .relaxed))\n"
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
        text += name
        labels.write(to: &text)
        text += " \(value.withLock { $0 })\n"
    }
}

/// Times in seconds, counted up to each of a row of bounds.
final class HistogramSeries: Series, TimerHandler {
    private struct Counts {
        /// For each bound those that are up to it and above the one before; last those above all.
        var places: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    /// The label of each place.
    private let names: [String]
    private let counts: Mutex<Counts>

    /// - Parameter bounds: ascending, in seconds.
    init(bounds: [Double]) {
        self.bounds = bounds
        names = (bounds.map { "\($0)" } + ["+Inf"]).map { "le=\"\($0)\"" }
        counts = Mutex(Counts(places: [Int](repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) {
        let seconds = Double(duration) / 1e9
        let place = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        counts.withLock { counts in
            counts.places[place] += 1
            counts.sum += seconds
        }
    }

    func write(name: String, labels: Labels, to text: inout String) {
        let counts = counts.withLock { $0 }
        var count = 0
        for (bound, more) in zip(names, counts.places) {
            count += more
            text += name
            text += "_bucket"
            labels.write(with: bound, to: &text)
            text += " \(count)\n"
        }
        text += "\(name)_sum"
        labels.write(to: &text)
        text += " \(counts.sum)\n\(name)_count"
        labels.write(to: &text)
        text += " \(count)\n"
    }
}
