/// When a leader purges the next page, and when it tells what it has purged.
///
/// Pages are short, and the pauses between them let everybody else have the server. While a sink catches up they give way
/// to it, but never quite: a relay that is always behind must not fill the disk with what it has delivered.
package struct Retention: Sendable {
    /// Milliseconds between two purges, once there is nothing left to purge.
    package static let idlePause: Int64 = 60_000
    /// Before the first one: the lanes begin meanwhile.
    package static let firstPause: Int64 = 1000
    /// Between two pages, at least: at most 10,000 rows a second go.
    package static let shortestPause: Int64 = 100
    /// Between two pages while a sink catches up, at least.
    package static let givingWayPause: Int64 = 10_000
    /// After failures, at most.
    package static let longestPause: Int64 = 3_600_000
    /// Between two summaries, at least.
    package static let summaryPause: Int64 = 3_600_000

    /// What was purged since the last summary.
    private var count: Int64 = 0
    private var lastID: Int64?
    /// The last summary, or when there was first something for one.
    private var since: Int64?
    private var isTold = false
    /// The sink that was last said to be waited for.
    private var toldWait: String?
    /// Failures since the last page that succeeded.
    private var failures = 0

    package init() {}

    /// A page was purged.
    ///
    /// - Parameters:
    ///   - took: milliseconds that it took.
    ///   - isBehind: whether some sink catches up.
    /// - Returns: milliseconds until the next, and what is to be told now.
    package mutating func purged(
        _ page: PurgedPage, took: Int64, isBehind: Bool, at now: Int64
    ) -> (pause: Int64, summary: PurgeSummary?) {
        failures = 0
        count += page.count
        if let id = page.lastID { lastID = max(lastID ?? id, id) }
        if count > 0, since == nil { since = now }
        let summary = summary(page, at: now)
        guard page.mayBeMore else { return (Self.idlePause, summary) }
        // Nine times what it took: at most a tenth of the server's time, whatever else that has to do.
        let (share, isHuge) = max(0, took).multipliedReportingOverflow(by: 9)
        let least = isBehind ? Self.givingWayPause : Self.shortestPause
        return (isHuge ? Self.idlePause : min(max(least, share), Self.idlePause), summary)
    }

    /// A page failed: what stands in its way may do so for long, and is looked for ever more seldom.
    ///
    /// - Returns: milliseconds until the next try.
    package mutating func failed() -> Int64 {
        failures = min(failures + 1, 7)
        return min(Self.longestPause, Self.idlePause << Int64(failures - 1))
    }

    /// What was purged, where something was and that is due to be told: at the end of the first purge, then by the hour,
    /// also in the middle of one.
    private mutating func summary(_ page: PurgedPage, at now: Int64) -> PurgeSummary? {
        // A sink that everything waits for is news where it is another one, and then by the hour.
        let waits = page.waitsFor != nil && count == 0
        if waits, since == nil || page.waitsFor != toldWait { since = now - Self.summaryPause }
        guard count > 0 || waits, let since else { return nil }
        guard now - since >= Self.summaryPause || !isTold && !page.mayBeMore else { return nil }
        let summary = PurgeSummary(count: count, lastID: lastID, waitsFor: page.waitsFor)
        (count, self.lastID, self.since, isTold, toldWait) = (0, nil, now, true, page.waitsFor)
        return summary
    }
}

/// What a leader has purged since it last told.
package struct PurgeSummary: Hashable, Sendable {
    package var count: Int64
    /// The highest id of them; nil where there are none.
    package var lastID: Int64?
    /// The sink that older rows wait for.
    package var waitsFor: String?

    package init(count: Int64, lastID: Int64?, waitsFor: String? = nil) {
        self.count = count
        self.lastID = lastID
        self.waitsFor = waitsFor
    }
}
