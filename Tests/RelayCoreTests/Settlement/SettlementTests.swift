import RelayCore
import Testing

@Suite struct SettlementTests {
    private func sink(_ name: String, _ cursor: Int64) -> SinkRegistration {
        SinkRegistration(name: name, cursor: cursor, isEarned: cursor > 0)
    }

    private func decide(
        _ sinks: [SinkRegistration], absent: [IDRange] = [], owed: [OwedEntry] = [], places: [Int64: RowPlace],
        _ lanes: LaneProgress...
    ) -> SettlementWrites {
        let facts = SettlementFacts(sinks: sinks, absent: IDRanges(absent), owed: owed, places: places)
        return Settlement(facts: facts, lanes: lanes).decide()
    }

    private func done(_ sink: String, _ ids: Int64..., owed: [Int64] = [], generation: Int64 = 1) -> LaneProgress {
        LaneProgress(sink: sink, generation: generation, done: ids, owedDone: owed)
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
        #expect(writes.owedEntered.isEmpty)
    }

    @Test func aCursorStopsBelowWhatCannotBeParked() {
        let facts = SettlementFacts(
            sinks: [sink("a", 0)], absent: IDRanges(), owed: [], places: [1: .unpublished, 2: .unpublished])
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
        let owed = ["a", "b"].map { OwedEntry(sink: $0, id: 1, isDelivered: true) }
        let writes = decide([sink("a", 5), sink("b", 5)], owed: owed, places: [1: .unpublished], done("a", owed: [1]))
        #expect(writes.published == [1])
        #expect(Set(writes.owedRemoved.map(\.sink)) == ["a", "b"])
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
        #expect(writes.owedEntered == [OwedEntry(sink: "a", id: 1)])
        #expect(writes.published == [2])
    }

    @Test func aDeliveredRowThatLiesInARangeIsOwedToThoseThatPassedIt() {
        let writes = decide(
            [sink("a", 3), sink("b", 0)], absent: [IDRange(2, 2)], places: [1: .unpublished, 2: .unpublished],
            done("b", 1, 2))
        #expect(writes.owedEntered == [OwedEntry(sink: "a", id: 2)])
        #expect(writes.published == [1])
    }

    @Test func anOwedRowIsPublishedOnceItIsDelivered() {
        let owed = OwedEntry(sink: "a", id: 1)
        let writes = decide([sink("a", 5)], owed: [owed], places: [1: .unpublished], done("a", owed: [1]))
        #expect(writes.published == [1])
        #expect(writes.owedRemoved == [owed])
        #expect(writes.cursors.isEmpty)
    }

    @Test func anOwedRowThatCannotMoveKeepsItsEntry() {
        let owed = OwedEntry(sink: "a", id: 1)
        let writes = decide([sink("a", 5)], owed: [owed], places: [1: .locked], done("a", owed: [1]))
        #expect(writes.published.isEmpty)
        #expect(writes.owedKept == [owed])
        #expect(writes.owedRemoved.isEmpty)
    }

    @Test func answersOfAnOlderGenerationCountForNothing() {
        let writes = decide([sink("a", 0)], places: [1: .unpublished], done("a", 1, generation: 7))
        #expect(writes.isEmpty)
    }

    @Test func aRemovedSinkGoesOnceItIsLevel() {
        let ghost = SinkRegistration(name: "b", cursor: 1, isRemoving: true)
        let early = decide([sink("a", 3), ghost], places: [:])
        #expect(early.ended.isEmpty)
        let owed = decide(
            [sink("a", 3), ghost], places: [2: .unpublished, 3: .unpublished],
            LaneProgress(sink: "b", generation: 1, done: [2, 3], endsPassed: true))
        #expect(owed.ended == ["b"])
        #expect(owed.published == [2, 3])
    }

    @Test func nothingIsPublishedWhileAStartIsOpen() {
        let new = SinkRegistration(name: "b", start: .oldest)
        let writes = decide([sink("a", 0), new], places: [1: .unpublished], done("a", 1))
        #expect(writes.published.isEmpty)
    }

    /// Its copy was delivered; before that was settled somebody undid its mark, and what came of it is parked anew.
    @Test func aParkedEventThatWasDeliveredAndIsParkedAnewStaysParked() {
        let owed = OwedEntry(sink: "a", id: 1)
        var lane = done("a", owed: [1])
        lane.parkedOutcomes = [ParkedOutcome(id: 1), ParkedOutcome(id: 2)]
        lane.parked = [Parking(id: 1, reason: "behind another", behind: 0)]
        let writes = decide([sink("a", 5)], owed: [owed], places: [1: .unpublished], lane)
        #expect(writes.parked["a"]?.map(\.id) == [1])
        #expect(writes.parkedOutcomes["a"] == [ParkedOutcome(id: 2)])
    }
}
