/// What an exporter has to say to an operator.
package enum TracingNote: Sendable, Hashable, CustomStringConvertible {
    /// Spans were lost since that was last said; deliveries go on.
    case lost(count: Int, collector: String, reason: String)
    /// The collector takes spans again.
    case recovered(collector: String)

    package var description: String {
        switch self {
        case .lost(let count, let collector, let reason):
            "\(count == 1 ? "1 span was" : "\(count) spans were") dropped on the way to the collector at \(collector)"
                + ": \(reason); deliveries continue"
        case .recovered(let collector): "the collector at \(collector) takes spans again"
        }
    }
}

/// Says losses at once, and then again no sooner than a minute later, with all that were lost meanwhile.
package struct LossReports: Sendable {
    package static let pause = Duration.seconds(60)

    private let collector: String
    private var untold = 0
    private var reason = "more came than it took"
    /// It was said that the collector is away.
    private var isAwayTold = false
    private var next: ContinuousClock.Instant?

    package init(collector: String) { self.collector = collector }

    /// Spans were lost: so many, perhaps none.
    ///
    /// - Parameters:
    ///   - reason: why, where that is known: else it is the last that was.
    ///   - isAway: no span arrives at present.
    package mutating func add(
        _ count: Int, reason: String? = nil, isAway: Bool = false, at now: ContinuousClock.Instant
    ) -> TracingNote? {
        untold += count
        if let reason { self.reason = reason }
        guard untold > 0, next.map({ $0 <= now }) ?? true else { return nil }
        next = now + Self.pause
        if isAway { isAwayTold = true }
        return tell()
    }

    /// The collector has taken spans.
    package mutating func recovered() -> TracingNote? {
        guard isAwayTold else { return nil }
        isAwayTold = false
        return .recovered(collector: collector)
    }

    /// What was not said yet, at the end.
    package mutating func rest() -> TracingNote? { untold > 0 ? tell() : nil }

    private mutating func tell() -> TracingNote {
        defer { untold = 0 }
        return .lost(count: untold, collector: collector, reason: reason)
    }
}
