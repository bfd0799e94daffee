import RelayCore
import Testing

@Suite struct IDRangesTests {
    @Test func neighboursBecomeOneRun() {
        var ranges = IDRanges([IDRange(5, 6), IDRange(1, 2)])
        #expect(ranges.ranges == [IDRange(1, 2), IDRange(5, 6)])
        ranges.insert(3)
        #expect(ranges.ranges == [IDRange(1, 3), IDRange(5, 6)])
        ranges.insert(4)
        #expect(ranges.ranges == [IDRange(1, 6)])
    }

    @Test func takingOutOfTheMiddleLeavesBothSides() {
        var ranges = IDRanges([IDRange(1, 9)])
        ranges.remove(5)
        #expect(ranges.ranges == [IDRange(1, 4), IDRange(6, 9)])
        ranges.remove(IDRange(3, 7))
        #expect(ranges.ranges == [IDRange(1, 2), IDRange(8, 9)])
        #expect(ranges.contains(2))
        #expect(!ranges.contains(3))
    }

    @Test func theFarEndsAreInBounds() {
        var ranges = IDRanges([IDRange(Int64.min, Int64.max)])
        ranges.remove(IDRange(Int64.min, 0))
        #expect(ranges.ranges == [IDRange(1, Int64.max)])
        ranges.insert(0)
        #expect(ranges.ranges == [IDRange(0, Int64.max)])
    }

    @Test func absentIsWhatLiesBetween() {
        let absent = IDRanges.absent(above: 2, through: 9, present: [1, 4, 5, 8, 12])
        #expect(absent.ranges == [IDRange(3, 3), IDRange(6, 7), IDRange(9, 9)])
        #expect(IDRanges.absent(above: 2, through: 4, present: [3, 4]).isEmpty)
    }

    /// Against a set of single ids, over every pair of small runs.
    @Test func agreesWithAPlainSet() {
        for first in Int64(0)...6 {
            for last in first...6 {
                for other in Int64(0)...6 {
                    for end in other...6 {
                        let start = IDRanges([IDRange(0, 1), IDRange(4, 4), IDRange(first, last)])
                        let plain = Set<Int64>([0, 1, 4]).union(first...last)
                        var less = start
                        less.remove(IDRange(other, end))
                        let expected = plain.subtracting(other...end)
                        #expect((Int64(-1)...8).filter(less.contains) == expected.sorted())
                        let clamped = start.clamped(above: other, through: end)
                        #expect(
                            (Int64(-1)...8).filter(clamped.contains)
                                == plain.filter { $0 > other && $0 <= end }.sorted())
                    }
                }
            }
        }
    }
}
