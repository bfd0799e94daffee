import RelayCore
import Testing

@Suite struct ClosedHorizonTests {
    private let slow = SequenceHolder(virtualTransaction: "3/7", pid: 100)
    private let quick = SequenceHolder(virtualTransaction: "4/9", pid: 101)
    private let prepared = SequenceHolder(virtualTransaction: "-1/55", pid: nil)

    @Test func everythingIsSettledWhereNobodyHoldsTheSequence() {
        var horizon = ClosedHorizon()
        #expect(!horizon.hasScanned)
        horizon.scanned(lastValue: 10, holders: [])
        #expect(horizon.closedThrough == 10)
        #expect(horizon.firstScanIsOver)
    }

    @Test func aHolderOfTheFirstScanStandsOnTheEarnedCursor() {
        var horizon = ClosedHorizon()
        horizon.begin(earnedCursor: 4)
        horizon.scanned(lastValue: 10, holders: [slow])
        #expect(horizon.closedThrough == 4)
        #expect(!horizon.firstScanIsOver)
        #expect(horizon.lowestHolder?.floor == 4)
        horizon.scanned(lastValue: 12, holders: [])
        #expect(horizon.closedThrough == 12)
        #expect(horizon.firstScanIsOver)
    }

    @Test func aNewcomerStandsOnThePreviousLastValue() {
        var horizon = ClosedHorizon()
        horizon.scanned(lastValue: 10, holders: [])
        horizon.scanned(lastValue: 15, holders: [slow])
        #expect(horizon.closedThrough == 10)
        // Whoever comes later has drawn above 15, and the slow one alone holds the order back.
        horizon.scanned(lastValue: 20, holders: [slow, quick])
        #expect(horizon.closedThrough == 10)
        horizon.scanned(lastValue: 22, holders: [quick])
        #expect(horizon.closedThrough == 15)
    }

    @Test func aPreparedNewcomerStandsOnWhatIsSettled() {
        var horizon = ClosedHorizon()
        horizon.scanned(lastValue: 10, holders: [])
        horizon.scanned(lastValue: 15, holders: [slow])
        // The slow one was prepared, and the server has renamed it.
        horizon.scanned(lastValue: 16, holders: [prepared])
        #expect(horizon.closedThrough == 10)
    }

    @Test func aNewSessionForgetsFloorsAndHorizon() {
        var horizon = ClosedHorizon()
        horizon.scanned(lastValue: 300, holders: [])
        horizon.begin(earnedCursor: 90)
        #expect(horizon.closedThrough == 90)
        #expect(!horizon.hasScanned)
        horizon.scanned(lastValue: 100, holders: [slow])
        #expect(horizon.closedThrough == 90)
    }

    @Test func theHorizonNeverGoesBack() {
        var horizon = ClosedHorizon()
        horizon.sawContiguous(through: 12)
        horizon.scanned(lastValue: 10, holders: [slow])
        #expect(horizon.closedThrough == 12)
    }
}
