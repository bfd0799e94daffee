import RelayCore
import Testing

@Suite struct SweepTests {
    private let sinks = [SinkRegistration(name: "a", cursor: 5), SinkRegistration(name: "b", cursor: 2)]

    @Test func aRowInARangeIsOwedToWhoeverIsPastIt() {
        let writes = SweepWrites(
            SweepFacts(sinks: sinks, absent: IDRanges([IDRange(3, 4)]), owed: [], found: [4]))
        #expect(writes.owedEntered == [OwedEntry(sink: "a", id: 4)])
        #expect(writes.absent?.ranges == [IDRange(3, 3)])
    }

    @Test func aRowBelowTheLowestCursorIsOwedToAll() {
        let writes = SweepWrites(SweepFacts(sinks: sinks, absent: IDRanges(), owed: [], found: [1]))
        #expect(writes.owedEntered.map(\.sink) == ["a", "b"])
        #expect(writes.absent == nil)
    }

    @Test func whatIsOwedIsNotEnteredAgain() {
        let owed = OwedEntry(sink: "b", id: 1)
        #expect(SweepWrites(SweepFacts(sinks: sinks, absent: IDRanges(), owed: [owed], found: [1])).isEmpty)
    }

    @Test func aRowThatALaneHasYetToReachIsLeftToIt() {
        #expect(SweepWrites(SweepFacts(sinks: sinks, absent: IDRanges(), owed: [], found: [3])).isEmpty)
    }
}
