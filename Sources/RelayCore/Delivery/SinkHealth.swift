/// How a sink fares: what it last said, and when it may be tried again. Times are milliseconds.
package enum SinkHealth: Hashable, Sendable {
    case well
    /// An outage: the sink is tried again at `until`.
    case retrying(attempt: Int, until: Int64, reason: String)
    /// The event `id` will never be accepted, and nobody has said to park it; nil: the sink itself is not configured rightly.
    case blocked(id: Int64?, until: Int64, reason: String)
    /// The sink is gone for good.
    case closed(reason: String)

    /// When it may be tried again; nil: there is nothing to wait for.
    package var nextTry: Int64? {
        switch self {
        case .well, .closed: nil
        case .retrying(_, let until, _), .blocked(_, let until, _): until
        }
    }

    package var isClosed: Bool { if case .closed = self { true } else { false } }

    /// How many attempts in a row have met an outage.
    private var failures: Int { if case .retrying(let attempt, _, _) = self { attempt } else { 0 } }

    package func mayTry(at now: Int64) -> Bool { !isClosed && now >= nextTry ?? now }

    /// The sink takes events.
    ///
    /// - Returns: whether that is news.
    mutating func recover() -> Bool {
        defer { self = .well }
        return self != .well
    }

    /// An outage: the sink is tried again after a pause, and not before `asked` where the far side asked for that.
    ///
    /// - Returns: which outage in a row it is, from 1, and the pause (milliseconds).
    mutating func fail(
        _ reason: String, after asked: Duration?, _ policy: RetryPolicy, at now: Int64, _ random: inout SplitMix
    ) -> (attempt: Int, pause: Int64) {
        let attempt = failures + 1
        let pause = policy.pause(attempt: attempt, after: asked, &random)
        self = .retrying(attempt: attempt, until: now + pause, reason: reason)
        return (attempt, pause)
    }

    /// The sink can take nothing until somebody corrects something.
    ///
    /// - Returns: whether that is news.
    mutating func block(_ reason: String, until: Int64) -> Bool {
        let isNews = if case .blocked(_, _, reason) = self { false } else { true }
        self = .blocked(id: nil, until: until, reason: reason)
        return isNews
    }

    /// The same with its clock set back, for an exploration; how often it has failed does not matter to it.
    mutating func foldClock(_ now: Int64) {
        switch self {
        case .well, .closed: break
        case .retrying(let attempt, let until, let reason):
            self = .retrying(attempt: min(attempt, 1), until: max(0, until - now), reason: reason)
        case .blocked(let id, let until, let reason):
            self = .blocked(id: id, until: max(0, until - now), reason: reason)
        }
    }
}

/// Whether a sink is ready to deliver.
package enum SinkOpening: Hashable, Sendable {
    case shut, opening, open
}
