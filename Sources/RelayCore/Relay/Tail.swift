/// The end of the log that the lanes on it share: how far it was handed to them, and how far everything is closed.
struct Tail: Hashable, Sendable {
    private(set) var horizon: ClosedHorizon
    /// The last row that was handed to the lanes on the tail.
    private(set) var position: Int64 = 0
    /// Everything at or below was closed when it was handed on; at least the horizon.
    private(set) var orderedThrough: Int64 = 0
    /// Milliseconds to the next scan after one that told nothing new while something waited for it.
    private var scanPause: Int64 = 0

    init(rules: RelayRules) {
        horizon = ClosedHorizon(rules: rules)
    }

    /// A tenure begins: what is closed is known anew.
    mutating func begin(earnedCursor: Int64) {
        horizon.begin(earnedCursor: earnedCursor)
        scanPause = 0
        orderedThrough = horizon.closedThrough
    }

    /// It goes on from here, whether or not everything below was handed on in order.
    mutating func goOn(from place: Int64) { position = place }

    /// Rows in order were handed on.
    mutating func handed(through last: Int64) {
        position = max(position, last)
        orderedThrough = max(orderedThrough, last)
    }

    /// See ``ClosedHorizon/sawContiguous(through:)``.
    mutating func sawContiguous(through id: Int64) {
        horizon.sawContiguous(through: id)
        orderedThrough = max(orderedThrough, horizon.closedThrough)
    }

    /// A scan came back.
    ///
    /// - Parameter somethingWaits: a row waits above a gap.
    /// - Returns: whether it is news, or nothing waits for news; and when to ask for it again.
    mutating func scanned(
        _ answer: SequenceScan, somethingWaits: Bool, at now: Int64, longestPause: Int64
    ) -> (isNews: Bool, next: Int64) {
        let before = horizon.closedThrough
        horizon.scanned(lastValue: answer.lastValue, holders: answer.holders)
        orderedThrough = max(orderedThrough, horizon.closedThrough)
        let isNews = horizon.closedThrough > before || !somethingWaits
        // The same answer again: ask less often.
        scanPause = isNews ? 0 : min(longestPause, max(1, scanPause * 2))
        return (isNews, now + scanPause)
    }

    /// What it may take for closed: the horizon, or its own place where that was reached in order.
    func closed(_ horizon: Int64) -> Int64 { max(horizon, position <= orderedThrough ? position : 0) }

    /// How many of `ids`, ascending above `place`, may be handed on now, and which gaps are closed by it.
    ///
    /// - Parameters:
    ///   - closedThrough: the horizon as it was known before the rows were read: only at or below it may what is not there
    ///     count as absent,
    ///   - gone: or among these ids, whose transactions are known to be over.
    static func mayHandOn(
        _ ids: [Int64], after place: Int64, closedThrough horizon: Int64, gone: IDRanges = IDRanges()
    ) -> (count: Int, closed: IDRanges, through: Int64) {
        var through = horizon
        var previous = place
        var closed = IDRanges()
        for (index, id) in ids.enumerated() {
            guard id - 1 <= through || gone.covers(IDRange(max(through, previous) + 1, id - 1)) else {
                return (index, closed, through)
            }
            if id - 1 > previous { closed.insert(IDRange(previous + 1, id - 1)) }
            previous = id
            through = max(through, id)
        }
        return (ids.count, closed, through)
    }
}
