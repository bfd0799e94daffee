import PostgresOutbox
import RelayCore
import Testing

/// What somebody who only looks remembers of the ids between those that were seen.
@Suite struct FollowedGapsTests {
    private let holder = SequenceHolder(virtualTransaction: "3/7", pid: 42)

    @Test func aGapStaysOpenWhileItsTransactionRuns() {
        var gaps = FollowedGaps(after: 0)
        gaps.scanned(SequenceScan(lastValue: 5, holders: [holder]))
        gaps.pass([1, 2, 5])
        #expect(gaps.passed == 5)
        #expect(gaps.open.ranges == [IDRange(3, 4)])

        gaps.scanned(SequenceScan(lastValue: 5, holders: [holder]))
        gaps.closeGaps()
        #expect(gaps.open.ranges == [IDRange(3, 4)])

        // One of the two has come; the other never will once the transaction is over.
        gaps.fill([3])
        gaps.closeGaps()
        #expect(gaps.open.ranges == [IDRange(4, 4)])
        gaps.scanned(SequenceScan(lastValue: 5, holders: []))
        gaps.closeGaps()
        #expect(gaps.open.isEmpty)
    }

    @Test func whatIsClosedAlreadyLeavesNoGap() {
        var gaps = FollowedGaps(after: 0)
        gaps.scanned(SequenceScan(lastValue: 9, holders: []))
        gaps.pass([4, 9])
        #expect(gaps.open.isEmpty)
        // Drawn after the scan.
        gaps.pass([12])
        #expect(gaps.open.ranges == [IDRange(10, 11)])
    }

    @Test func anotherSessionKnowsNothingOfTheHorizon() {
        var gaps = FollowedGaps(after: 0)
        gaps.scanned(SequenceScan(lastValue: 9, holders: []))
        gaps.beginSession()
        gaps.pass([4])
        #expect(gaps.open.ranges == [IDRange(1, 3)])
    }

    @Test func beginsWhereItIsTold() {
        var gaps = FollowedGaps(after: 100)
        gaps.pass([103])
        #expect(gaps.open.ranges == [IDRange(101, 102)])
        gaps.pass([])
        gaps.pass([90])
        #expect(gaps.passed == 103)
    }

    @Test func theLowestAreForgottenWhereThereAreTooMany() {
        var gaps = FollowedGaps(after: 0)
        let last = 2 * Int64(FollowedGaps.limit)
        gaps.pass(Array(stride(from: 2, through: last, by: 2)))
        #expect(gaps.open.ranges.count == FollowedGaps.limit && !gaps.hasForgotten)
        gaps.pass([last + 2])
        #expect(gaps.open.ranges.count == FollowedGaps.limit && gaps.hasForgotten)
        #expect(gaps.open.first == 3)
    }
}
