import RelayCore
import Testing

@Suite struct LaneTests {
    private func lane(_ cursor: Int64 = 0) -> Lane {
        Lane(SinkRegistration(name: "a", cursor: cursor), isConfigured: true)
    }

    private func slice(_ ids: Int64...) -> RowSlice {
        RowSlice(RowBatch(token: BatchToken(0), ids: ids), 0..<ids.count)
    }

    @Test func whatItHasAlreadyIsNotQueuedAgain() {
        var lane = lane(2)
        lane.enqueue(slice(1, 2, 3, 4))
        #expect(lane.queue.slices.flatMap(\.ids) == [3, 4])
        #expect(lane.queue.slices.first?.offset == 2)
        #expect(lane.position == 4)
        lane.enqueue(slice(3, 4))
        #expect(lane.queue.count == 2)
    }

    @Test func takesNoMoreThanThereIsRoomFor() {
        var lane = lane()
        lane.enqueue(slice(1, 2, 3))
        lane.enqueue(slice(5, 6))
        #expect(lane.queue.take(4).flatMap(\.ids) == [1, 2, 3, 5])
        #expect(lane.queue.slices.flatMap(\.ids) == [6])
        #expect(lane.queue.count == 1)
    }

    @Test func answersComeInParts() {
        var lane = lane()
        lane.enqueue(slice(1, 2, 3))
        lane.begin(Lane.InFlight(slices: lane.queue.take(3), turn: .ordered))
        lane.finished(1, .delivered)
        #expect(lane.done.map(\.id) == [1])
        #expect(lane.firstUnanswered == 2)
        lane.finished(9, .delivered)
        #expect(lane.done.map(\.id) == [1, 2, 3])
        #expect(lane.firstUnanswered == nil)
    }

    @Test func droppingTheQueueGoesBackToWhatTheSinkMayHold() {
        var lane = lane(1)
        lane.enqueue(slice(2, 3, 4))
        lane.begin(Lane.InFlight(slices: lane.queue.take(2), turn: .ordered))
        lane.dropQueue()
        #expect(lane.queue.isEmpty)
        #expect(lane.position == 3)
    }

    @Test func aSettlementTakesWhatItCoversOff() {
        var lane = lane()
        lane.enqueue(slice(1, 2))
        lane.begin(Lane.InFlight(slices: lane.queue.take(2), turn: .ordered))
        lane.finished(2, .delivered)
        lane.settled(SinkRegistration(name: "a", cursor: 1))
        lane.owed.refresh(OwedPortion(waiting: [7]))
        #expect(lane.done.map(\.id) == [2])
        #expect(lane.owed.waiting == [7] && lane.owed.done.isEmpty)
        #expect(lane.position == 2)
    }

    @Test func aNewRegistrationMakesOldAnswersWorthless() {
        var lane = lane()
        lane.enqueue(slice(1, 2))
        lane.begin(Lane.InFlight(slices: lane.queue.take(2), turn: .ordered))
        lane.restart(SinkRegistration(name: "a", generation: 2), keeping: false)
        lane.finished(2, .delivered)
        #expect(lane.done.isEmpty)
        #expect(lane.position == 0)
    }
}
