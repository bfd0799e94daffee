import Histogram

/// How long transfers took, from the moment they were due to their answer, in milliseconds: the least that so large a share
/// of them did not exceed, to three digits.
struct LatencyQuantiles: Sendable, Equatable {
    let p50: Double
    let p90: Double
    let p99: Double
    let p999: Double
    let max: Double

    /// `nil` where none was recorded.
    ///
    /// - Parameter microseconds: what was recorded.
    init?(_ microseconds: Histogram<UInt64>) {
        guard microseconds.totalCount > 0 else { return nil }
        func milliseconds(_ percent: Double) -> Double { Double(microseconds.valueAtPercentile(percent)) / 1000 }
        p50 = milliseconds(50)
        p90 = milliseconds(90)
        p99 = milliseconds(99)
        p999 = milliseconds(99.9)
        max = milliseconds(100)
    }

    /// `{"p50":…,"p90":…,"p99":…,"p999":…,"max":…}`
    var json: String { "{\"p50\":\(p50),\"p90\":\(p90),\"p99\":\(p99),\"p999\":\(p999),\"max\":\(max)}" }
}
