import RelayCore
import Testing

@Suite struct StartFixingTests {
    private func facts(
        _ sinks: [SinkRegistration], settled: Int64 = 9, isOver: Bool = true, oldest: Int64?, below: Int64? = nil,
        highest: Int64?, lowest: Int64?
    ) -> StartFacts {
        StartFacts(
            sinks: sinks, absent: IDRanges(), closedThrough: settled, firstScanIsOver: isOver,
            oldestUnpublished: oldest, rowBelowOldest: below, highestClosedRow: highest, lowestRow: lowest,
            sequenceStart: 1)
    }

    private let oldest = SinkRegistration(name: "n", start: .oldest)
    private let latest = SinkRegistration(name: "n", start: .latest)

    @Test func oldestBeginsBelowTheFirstUnpublishedRow() {
        let start = FixedStart(of: oldest, facts([oldest], oldest: 5, below: 3, highest: 8, lowest: 2))
        #expect(start?.cursor == 3)
        #expect(start?.passThrough == nil)
    }

    @Test func oldestWaitsForWhoeverMayBringALowerID() {
        #expect(FixedStart(of: oldest, facts([oldest], isOver: false, oldest: 5, highest: 8, lowest: 5)) == nil)
        // A row at the very bottom, or a cursor that was earned, decides at once.
        #expect(FixedStart(of: oldest, facts([oldest], isOver: false, oldest: 1, highest: 8, lowest: 1))?.cursor == 0)
        let other = SinkRegistration(name: "o", cursor: 4, isEarned: true)
        #expect(
            FixedStart(of: oldest, facts([oldest, other], isOver: false, oldest: 5, below: 4, highest: 8, lowest: 2))?
                .cursor == 4)
    }

    @Test func latestPassesWhatTheOthersLack() {
        let other = SinkRegistration(name: "o", cursor: 4, isEarned: true)
        let start = FixedStart(of: latest, facts([latest, other], oldest: 5, below: 4, highest: 8, lowest: 2))
        #expect(start?.cursor == 4)
        #expect(start?.passThrough == 8)
    }

    @Test func latestOnAnEmptyTableBeginsAtTheBottom() {
        let start = FixedStart(of: latest, facts([latest], oldest: nil, highest: nil, lowest: nil))
        #expect(start?.cursor == 0)
        #expect(start?.passThrough == nil)
    }
}
