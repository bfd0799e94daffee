/// One line of the report.
struct Measurement: Sendable {
    var name: String
    /// Events per second, one number for each run.
    var rates: [Double]
    /// What the reference reached, in the same runs.
    var reference: [Double]
    /// Which reference it was.
    var referenceName: String
    /// What is demanded, in events per second.
    var demanded: Double

    var median: Double { rates.median }
    var referenceMedian: Double { reference.median }
    var ratio: Double { referenceMedian == 0 ? 0 : median / referenceMedian }
    var isMet: Bool { median >= demanded }
}

/// The measurements as people and programs read them: a line each.
enum Report {
    static func text(_ measurements: [Measurement]) -> String {
        measurements.map { one in
            "bench: \(one.name) events_per_s=\(rounded(one.median)) demanded=\(rounded(one.demanded)) "
                + "\(one.referenceName)=\(rounded(one.referenceMedian)) "
                + "ratio=\(Double(Int(one.ratio * 1000)) / 1000) "
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
