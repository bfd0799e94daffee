/// What repeats is said once, and then summed up: at most one line for a cause in ten seconds.
struct RepeatedReports {
    /// Milliseconds.
    static let interval: Int64 = 10_000
    /// How many causes are remembered.
    private static let limit = 100

    private var told: [String: (time: Int64, unsaid: Int)] = [:]

    /// - Returns: how often the same was left unsaid since the last time; nil where it is to be left unsaid now.
    mutating func admit(_ cause: String, at now: Int64) -> Int? {
        if let last = told[cause], now - last.time < Self.interval {
            told[cause]?.unsaid += 1
            return nil
        }
        let unsaid = told[cause]?.unsaid ?? 0
        if told.count >= Self.limit { told = told.filter { now - $0.value.time < Self.interval } }
        if told.count >= Self.limit { told = [:] }
        told[cause] = (now, 0)
        return unsaid
    }
}

/// Rows that somebody deleted between their delivery and their settling: told of together, at most once in ten seconds.
struct GoneRows {
    private(set) var first: Int64?
    private(set) var last: Int64?
    private(set) var count = 0
    private var lastTold: Int64?

    mutating func add(_ ids: [Int64]) {
        for id in ids {
            first = min(first ?? id, id)
            last = max(last ?? id, id)
        }
        count += ids.count
    }

    /// When they may be told of.
    func due(at now: Int64) -> Int64 { max(now, (lastTold ?? .min / 2) + RepeatedReports.interval) }

    /// What is to be told; nothing where it was told meanwhile.
    mutating func take(at now: Int64) -> (first: Int64, last: Int64, count: Int)? {
        guard let first, let last else { return nil }
        let taken = (first, last, count)
        self = GoneRows()
        lastTold = now
        return taken
    }
}
