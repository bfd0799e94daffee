import RelayCore
import Testing

@Suite struct SettlementTests {
    private func sink(_ name: String, _ cursor: Int64) -> SinkRegistration {
        SinkRegistration(name: name, cursor: cursor, isEarned: cursor > 0)
    }

    private func decide(
        _ sinks: [SinkRegistration], absent: [IDRange] = [], late: [LateEntry] = [], places: [Int64: RowPlace],
        _ lanes: LaneProgress...
    ) -> SettlementWrites {
        let facts = SettlementFacts(sinks: sinks, absent: IDRanges(absent), late: late, places: places)
        return Settlement(facts: facts, lanes: lanes).decide()
    }

    private func done(_ sink: String, _ ids: Int64..., late: [Int64] = [], generation: Int64 = 1) -> LaneProgress {
        LaneProgress(sink: sink, generation: generation, done: ids, lateDone: late)
    }

    @Test func aSingleSinkPublishesWhatItHas() {
        let writes = decide(
            [sink("a", 0)], places: [1: .unpublished, 2: .unpublished], done("a", 1, 2))
        #expect(writes.published == [1, 2])
        #expect(writes.cursors.map(\.cursor) == [2])
        #expect(writes.cursors.first?.isEarned == true)
        #expect(writes.absent == nil)
    }

    @Test func aRowWaitsForTheSlowestSink() {
        let writes = decide(
            [sink("a", 0), sink("b", 0)], places: [1: .unpublished, 3: .unpublished], done("a", 1, 3))
        #expect(writes.published.isEmpty)
        #expect(writes.cursors.map(\.sink) == ["a"])
        // The id that was passed is remembered while the cursors differ.
        #expect(writes.absent?.ranges == [IDRange(2, 2)])
    }

    /// Somebody deleted 2, and 4 as the last of all: both count as done, and nobody is owed them.
    @Test func aRowThatIsGoneCountsAsDone() {
        let writes = decide(
            [sink("a", 0)], absent: [IDRange(2, 2)], places: [1: .unpublished, 3: .unpublished], done("a", 1, 2, 3, 4))
        #expect(writes.cursors.map(\.cursor) == [4])
        #expect(writes.published == [1, 3])
        #expect(writes.gone == [2, 4])
        #expect(writes.lateEntered.isEmpty)
    }

    @Test func aCursorStopsBelowWhatCannotBeParked() {
        let facts = SettlementFacts(
            sinks: [sink("a", 0)], absent: IDRanges(), late: [], places: [1: .unpublished, 2: .unpublished])
        var progress = done("a", 1, 2)
        progress.parked = [Parking(id: 2, reason: "no")]
        let unparked = [UnparkedEvent(sink: "a", id: 2, reason: "too large")]
        let writes = Settlement(facts: facts, lanes: [progress], unparked: unparked).decide()
        #expect(writes.cursors.map(\.cursor) == [1])
        #expect(writes.published == [1])
        #expect(writes.parked.isEmpty)
    }

    /// It is delivered, as every sink's entry says, though nobody serves b any more.
    @Test func aRowThatCouldNotMoveMovesOnceItCan() {
        let late = ["a", "b"].map { LateEntry(sink: $0, id: 1, isDelivered: true) }
        let writes = decide([sink("a", 5), sink("b", 5)], late: late, places: [1: .unpublished], done("a", late: [1]))
        #expect(writes.published == [1])
        #expect(Set(writes.lateRemoved.map(\.sink)) == ["a", "b"])
    }

    @Test func aCursorStopsBelowALockedRow() {
        let writes = decide(
            [sink("a", 0)], places: [1: .unpublished, 2: .locked, 3: .unpublished], done("a", 1, 2, 3))
        #expect(writes.cursors.map(\.cursor) == [1])
        #expect(writes.published == [1])
        #expect(writes.lockedRow == 2)
    }

    @Test func aRowThatTurnedUpWhereALanePassedIsOwed() {
        let writes = decide([sink("a", 0)], places: [1: .unpublished, 2: .unpublished], done("a", 2))
        #expect(writes.lateEntered == [LateEntry(sink: "a", id: 1)])
        #expect(writes.published == [2])
    }

    @Test func aDeliveredRowThatLiesInARangeIsOwedToThoseThatPassedIt() {
        let writes = decide(
            [sink("a", 3), sink("b", 0)], absent: [IDRange(2, 2)], places: [1: .unpublished, 2: .unpublished],
            done("b", 1, 2))
        #expect(writes.lateEntered == [LateEntry(sink: "a", id: 2)])
        #expect(writes.published == [1])
    }

    @Test func anOwedRowIsPublishedOnceItIsDelivered() {
        let owed = LateEntry(sink: "a", id: 1)
        let writes = decide([sink("a", 5)], late: [owed], places: [1: .unpublished], done("a", late: [1]))
        #expect(writes.published == [1])
        #expect(writes.lateRemoved == [owed])
        #expect(writes.cursors.isEmpty)
    }

    @Test func anOwedRowThatCannotMoveKeepsItsEntry() {
        let owed = LateEntry(sink: "a", id: 1)
        let writes = decide([sink("a", 5)], late: [owed], places: [1: .locked], done("a", late: [1]))
        #expect(writes.published.isEmpty)
        #expect(writes.lateKept == [owed])
        #expect(writes.lateRemoved.isEmpty)
    }

    @Test func answersOfAnOlderGenerationCountForNothing() {
        let writes = decide([sink("a", 0)], places: [1: .unpublished], done("a", 1, generation: 7))
        #expect(writes.isEmpty)
    }

    @Test func aRemovedSinkGoesOnceItIsLevel() {
        let ghost = SinkRegistration(name: "b", cursor: 1, isRemoving: true)
        let early = decide([sink("a", 3), ghost], places: [:])
        #expect(early.ended.isEmpty)
        let late = decide(
            [sink("a", 3), ghost], places: [2: .unpublished, 3: .unpublished],
            LaneProgress(sink: "b", generation: 1, done: [2, 3], endsPassed: true))
        #expect(late.ended == ["b"])
        #expect(late.published == [2, 3])
    }

    @Test func nothingIsPublishedWhileAStartIsOpen() {
        let new = SinkRegistration(name: "b", start: .oldest)
        let writes = decide([sink("a", 0), new], places: [1: .unpublished], done("a", 1))
        #expect(writes.published.isEmpty)
    }
}
