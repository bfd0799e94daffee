import RelayCore
import Testing

@Suite struct OwedToLaneTests {
    /// A portion says nothing of what lies above its last row: what the lane is done with there stays so, or it would be
    /// delivered again.
    @Test(arguments: [true, false]) func aPortionSaysNothingOfWhatLiesAbove(_ isPart: Bool) {
        var lane = Lane(SinkRegistration(name: "a", cursor: 100), isConfigured: true)
        lane.owed.refresh(OwedPortion(waiting: [3, 5, 9]))
        let batch = RowBatch(token: nil, ids: [3, 9], marks: [RowMark(), RowMark()])
        lane.begin(Lane.InFlight(slices: [RowSlice(batch, 0..<2)], turn: .owed))
        lane.finished(2, .delivered)
        #expect(lane.owed.waiting == [5] && lane.owed.done == [3, 9])
        lane.owed.refresh(OwedPortion(waiting: [3, 4, 5], isPart: isPart))
        #expect(lane.owed.waiting == [4, 5])
        #expect(lane.owed.done == (isPart ? [3, 9] : [3]))
    }
}
