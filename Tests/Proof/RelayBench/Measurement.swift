/// What is demanded of a measurement.
enum Demand: Sendable {
    /// Events per second, at least.
    case rate(Double)
    /// A share of what the reference reaches, at least, and of the processor at most so many microseconds an event.
    case share(Double, processor: Double = .infinity)
}

/// One line of the report.
struct Measurement: Sendable {
    var name: String
    var demand: Demand
    /// Events per second, one number for each run.
    var rates: [Double] = []
    /// What the reference reached, in the same runs.
    var reference: [Double] = []
    /// Which reference it was.
    var referenceName = LoadGenerator.name
    /// Microseconds of the processor an event, where that was measured.
    var processor: [Double] = []

    var median: Double { rates.median }
    var referenceMedian: Double { reference.median }
    var ratio: Double { referenceMedian == 0 ? 0 : median / referenceMedian }

    var isMet: Bool {
        switch demand {
        case .rate(let least): median >= least
        case .share(let least, let most): ratio >= least && processor.median <= most
        }
    }
}

/// The measurements as people and programs read them: a line each.
enum Report {
    static func text(_ measurements: [Measurement]) -> String {
        measurements.map { one in
            let demanded =
                switch one.demand {
                case .rate(let least): "demanded=\(rounded(least))"
                case .share(let least, let most):
                    "demanded_ratio=\(least)" + (most.isFinite ? " demanded_cpu_us=\(rounded(most))" : "")
                }
            let processor = one.processor.isEmpty ? "" : "cpu_us=\(one.processor.median.shortened) "
            return "bench: \(one.name) events_per_s=\(rounded(one.median)) \(demanded) "
                + "\(one.referenceName)=\(rounded(one.referenceMedian)) "
                + "ratio=\(Double(Int(one.ratio * 1000)) / 1000) \(processor)"
                + "runs=\(one.rates.map(rounded).joined(separator: ",")) \(one.isMet ? "met" : "MISSED")"
        }.joined(separator: "\n")
    }

    private static func rounded(_ rate: Double) -> String { "\(Int(rate.rounded()))" }
}

extension [Double] {
    /// Of an even number, the middle between the two in the middle; 0 of none.
    var median: Double {
        let sorted = sorted()
        guard let middle = sorted.dropFirst(sorted.count / 2).first else { return 0 }
        return sorted.count.isMultiple(of: 2) ? (middle + sorted[sorted.count / 2 - 1]) / 2 : middle
    }
}

extension Double {
    /// Cut to two decimals, for people.
    var shortened: Double { Double(Int(self * 100)) / 100 }
}
