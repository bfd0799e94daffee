/// What came, in its order.
struct Audit {
    private var seen: Set<Int64> = []
    private var highest = Int64.min
    private var outOfOrder = 0
    private var duplicates = 0
    private var latencies: [Int64] = []

    /// Counts an event as it is read.
    mutating func read(_ event: ReadEvent) {
        guard seen.insert(event.id).inserted else {
            duplicates += 1
            return
        }
        if event.id < highest { outOfOrder += 1 }
        highest = max(highest, event.id)
        latencies.append(event.read - event.created)
    }

    /// What is to be said of it, given the ids that were committed.
    func verdict(against committed: [Int64]) -> Verdict {
        let sorted = latencies.sorted()
        return Verdict(
            events: seen.count, lost: committed.count { !seen.contains($0) }, outOfOrder: outOfOrder,
            duplicates: duplicates, median: Self.quantile(0.5, of: sorted), slowest: Self.quantile(0.99, of: sorted))
    }

    /// The nearest rank; 0 of nothing.
    static func quantile(_ share: Double, of sorted: [Int64]) -> Int64 {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}

/// The result of an audit.
struct Verdict: CustomStringConvertible {
    /// First deliveries.
    let events: Int
    /// Committed and never seen.
    let lost: Int
    /// First deliveries after one of a higher id.
    let outOfOrder: Int
    let duplicates: Int
    /// From `created_at` to read, in microseconds.
    let median: Int64
    let slowest: Int64

    /// Whether the relay kept its promises.
    var isGood: Bool { lost == 0 && outOfOrder == 0 }

    var description: String {
        "events=\(events) lost=\(lost) out_of_order=\(outOfOrder) duplicates=\(duplicates)"
            + " p50_ms=\(Self.milliseconds(median)) p99_ms=\(Self.milliseconds(slowest))"
    }

    /// With two decimals.
    static func milliseconds(_ microseconds: Int64) -> String {
        let hundredths = (Swift.max(microseconds, 0) + 5) / 10
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
