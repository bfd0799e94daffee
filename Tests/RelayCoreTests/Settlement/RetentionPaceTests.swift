import RelayCore
import Testing

/// When a leader purges, and when it tells of it: pages, times and what follows from them.
@Suite struct RetentionPaceTests {
    private let hour: Int64 = 3_600_000

    private func page(_ count: Int64, last: Int64? = nil, more: Bool, waitsFor: String? = nil) -> PurgedPage {
        PurgedPage(count: count, lastID: last, mayBeMore: more, waitsFor: waitsFor)
    }

    @Test(arguments: [
        // What a page took, whether a sink is behind, whether there is more: the pause.
        (Int64(5), false, true, Int64(100)), (20, false, true, 180), (5000, false, true, 45_000),
        (60_000, false, true, 60_000), (.max, false, true, 60_000), (-1, false, true, 100),
        (5, true, true, 10_000), (2000, true, true, 18_000), (5, false, false, 60_000), (5, true, false, 60_000),
    ])
    func aPauseFollowsFromWhatAPageTook(_ took: Int64, _ isBehind: Bool, _ more: Bool, _ pause: Int64) {
        var retention = Retention()
        let next = retention.purged(page(1000, last: 1000, more: more), took: took, isBehind: isBehind, at: 0)
        #expect(next.pause == pause)
    }

    @Test func failuresAreTriedAgainEverMoreSeldom() {
        var retention = Retention()
        let pauses = (1...9).map { _ in retention.failed() / 60_000 }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        _ = retention.purged(page(0, more: false), took: 1, isBehind: false, at: 0)
        #expect(retention.failed() == 60_000)
    }

    /// The end of the first purge, then at most once an hour, with all that went since.
    @Test func itIsToldByTheHour() {
        var retention = Retention()
        func purged(_ page: PurgedPage, at now: Int64) -> PurgeSummary? {
            retention.purged(page, took: 1, isBehind: false, at: now).summary
        }
        #expect(purged(page(0, more: false), at: 0) == nil)
        #expect(purged(page(1000, last: 1000, more: true), at: 10) == nil)
        let first = purged(page(10, last: 1010, more: false, waitsFor: "slow"), at: 20)
        #expect(first == PurgeSummary(count: 1010, lastID: 1010, waitsFor: "slow"))
        #expect(purged(page(5, last: 1015, more: false), at: 60_020) == nil)
        #expect(purged(page(7, last: 1022, more: false), at: 19 + hour) == nil)
        // Below the others: it was published late.
        let second = purged(page(1, last: 30, more: false), at: 20 + hour)
        #expect(second == PurgeSummary(count: 13, lastID: 1022))
        #expect(purged(page(0, more: false), at: 20 + 3 * hour) == nil)
        #expect(purged(page(2, last: 1024, more: false), at: 21 + 3 * hour) == PurgeSummary(count: 2, lastID: 1024))
    }

    /// Where everything waits for a sink, that is said: at once, by the hour, and of another sink again.
    @Test func aSinkThatEverythingWaitsForIsNamed() {
        var retention = Retention()
        func waits(for sink: String?, at now: Int64) -> PurgeSummary? {
            retention.purged(page(0, more: false, waitsFor: sink), took: 1, isBehind: false, at: now).summary
        }
        #expect(waits(for: nil, at: 0) == nil)
        #expect(waits(for: "dead", at: 60_000) == PurgeSummary(count: 0, lastID: nil, waitsFor: "dead"))
        #expect(waits(for: "dead", at: 59_999 + hour) == nil)
        #expect(waits(for: "dead", at: 60_000 + hour) == PurgeSummary(count: 0, lastID: nil, waitsFor: "dead"))
        #expect(waits(for: "slow", at: 60_001 + hour) == PurgeSummary(count: 0, lastID: nil, waitsFor: "slow"))
    }

    /// One that does not end is told of as well.
    @Test func aPurgeOfHoursIsToldOfMeanwhile() {
        var retention = Retention()
        var told: [PurgeSummary] = []
        for minute in 0..<180 {
            let id = Int64(minute + 1)
            let now = Int64(minute) * 60_000
            let next = retention.purged(page(1, last: id, more: true), took: 1, isBehind: false, at: now)
            if let summary = next.summary { told.append(summary) }
        }
        #expect(told == [PurgeSummary(count: 61, lastID: 61), PurgeSummary(count: 60, lastID: 121)])
    }
}
