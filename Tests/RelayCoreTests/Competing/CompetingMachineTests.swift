import RelayCore
import Testing

@Suite struct CompetingMachineTests {
    private var machine = CompetingMachine(sink: "a", policy: RelayPolicy(), claimTimeout: 5000)

    private static func ready(_ change: (inout RelayPolicy) -> Void = { _ in }, lane: LanePolicy = LanePolicy())
        -> CompetingMachine
    {
        var policy = RelayPolicy()
        change(&policy)
        var machine = CompetingMachine(sink: "a", policy: policy, lane: lane, claimTimeout: 5000)
        _ = machine.handle(.sessionOpened, at: 0)
        _ = machine.handle(.sinkOpened, at: 0)
        return machine
    }

    private func rows(_ ids: Int64...) -> RowBatch { RowBatch(token: BatchToken(0), ids: ids, bytes: 1) }

    @Test func itClaimsOnceItHasASessionAndASink() {
        var machine = machine
        #expect(machine.handle(.sessionOpened, at: 0) == [.openSink])
        #expect(machine.handle(.sinkOpened, at: 0) == [.claim(rows: 1, bytes: 16 << 20, without: [])])
    }

    @Test func whatWasDeliveredIsMarkedInTheClaimThatHoldsIt() {
        var machine = Self.ready()
        let sent = machine.handle(.claimed(rows(1, 5, 7)), at: 0)
        #expect(sent == [.deliver([RowSlice(rows(1, 5, 7), 0..<3)])])
        _ = machine.handle(.answered(count: 2, .delivered), at: 1)
        _ = machine.handle(.answered(count: 1, .retry(after: nil, reason: "down")), at: 1)
        #expect(machine.handle(.deliveryEnded, at: 1) == [.mark([1, 5], parked: [])])
        let next = machine.handle(.marked(), at: 2)
        #expect(next.contains(.release(BatchToken(0))))
    }

    @Test func nothingIsLookedAfterWhileTheSinkOpens() {
        var machine = machine
        _ = machine.handle(.sessionOpened, at: 0)
        #expect(machine.nextWake == nil)
        _ = machine.handle(.sinkOpenFailed(SinkError(.unavailable, reason: "no")), at: 5)
        #expect(machine.nextWake != nil)
    }

    @Test func aClaimIsGivenUpAtItsDeadline() {
        var machine = Self.ready()
        _ = machine.handle(.claimed(rows(1, 2)), at: 0)
        #expect(machine.nextWake == 5000)
        _ = machine.handle(.answered(count: 1, .delivered), at: 10)
        #expect(machine.handle(.tick, at: 4999) == [])
        #expect(machine.handle(.tick, at: 5000) == [.cancelDelivery])
        #expect(machine.handle(.tick, at: 5001) == [])
        #expect(machine.handle(.deliveryEnded, at: 5002) == [.mark([1], parked: [])])
    }

    /// What was delivered is not sent again: the next session marks it, unless it was marked.
    @Test func afterALostSessionWhatWasDeliveredIsMarkedByTheNext() {
        var machine = Self.ready()
        _ = machine.handle(.claimed(rows(1, 2)), at: 0)
        _ = machine.handle(.answered(count: 1, .delivered), at: 1)
        #expect(machine.handle(.sessionLost, at: 1) == [.cancelDelivery, .release(BatchToken(0))])
        #expect(machine.handle(.deliveryEnded, at: 2) == [])
        #expect(machine.handle(.sessionOpened, at: 3) == [.remark([UnmarkedRow(id: 1, mark: RowMark())])])
        #expect(machine.handle(.remarked(), at: 4) == [.claim(rows: 1, bytes: 16 << 20, without: [])])
    }

    /// An operator may have undone a mark that nobody here knows of: only the row as it was delivered is marked.
    @Test func theNextSessionMarksTheRowAsItWasDelivered() {
        var machine = Self.ready()
        var claimed = rows(1, 2)
        claimed.marks = [RowMark(createdAt: 10, transaction: 7), RowMark(createdAt: 20, transaction: 8)]
        _ = machine.handle(.claimed(claimed), at: 0)
        _ = machine.handle(.answered(count: 1, .delivered), at: 1)
        _ = machine.handle(.deliveryEnded, at: 1)
        _ = machine.handle(.sessionLost, at: 1)
        let due = UnmarkedRow(id: 1, mark: RowMark(createdAt: 10, transaction: 7))
        #expect(machine.handle(.sessionOpened, at: 3) == [.remark([due])])
    }

    @Test func aRejectedEventHoldsNobodyUp() {
        var machine = Self.ready(lane: LanePolicy(retry: RetryPolicy(base: 10, maximum: 1000)))
        _ = machine.handle(.claimed(rows(1, 2)), at: 0)
        _ = machine.handle(.answered(count: 1, .rejected(reason: "no")), at: 0)
        #expect(machine.handle(.deliveryEnded, at: 0) == [.mark([], parked: [])])
        #expect(machine.handle(.marked(), at: 0).contains(.claim(rows: 1, bytes: 16 << 20, without: [1])))
        _ = machine.handle(.claimed(rows(2)), at: 0)
        _ = machine.handle(.answered(count: 1, .delivered), at: 0)
        _ = machine.handle(.deliveryEnded, at: 0)
        // After a while it is tried again.
        let again = machine.handle(.marked(), at: 2000)
        let isTried = again.contains { if case .claim(_, _, let without) = $0 { without.isEmpty } else { false } }
        #expect(isTried)
    }

    @Test func aParkedEventIsPartOfTheMark() {
        var machine = Self.ready(lane: LanePolicy(onReject: .park))
        _ = machine.handle(.claimed(rows(1, 2)), at: 0)
        _ = machine.handle(.answered(count: 1, .delivered), at: 0)
        _ = machine.handle(.answered(count: 1, .rejected(reason: "no")), at: 0)
        #expect(machine.handle(.deliveryEnded, at: 0) == [.mark([1], parked: [Parking(id: 2, reason: "no")])])
    }

    @Test func anotherRelayThatWasQuickerIsNoReasonToWait() {
        var machine = Self.ready()
        #expect(machine.handle(.workFailed(again: true), at: 0) == [.claim(rows: 1, bytes: 16 << 20, without: [])])
        #expect(machine.handle(.workFailed(again: false), at: 0) == [])
        #expect(machine.nextWake == 100)
    }

    @Test func drainedIsWhatNobodyHolds() {
        var machine = Self.ready { $0.untilDrained = true }
        #expect(machine.handle(.claimed(RowBatch(token: nil, ids: [])), at: 0) == [])
        #expect(machine.handle(.tick, at: 1) == [.checkEmpty])
        // Another relay holds some.
        #expect(machine.handle(.emptyChecked(isEmpty: false), at: 1) == [])
        #expect(machine.handle(.tick, at: 100) == [.claim(rows: 1, bytes: 16 << 20, without: [])])
        _ = machine.handle(.claimed(RowBatch(token: nil, ids: [])), at: 100)
        #expect(machine.handle(.tick, at: 300) == [.checkEmpty])
        #expect(machine.handle(.emptyChecked(isEmpty: true), at: 300) == [.finished(.drained)])
    }

    @Test func itTakesNoMoreThanItsSinkDeliversInHalfTheTimeout() {
        var budget = ClaimBudget(limit: 1000, claimTimeout: 5000)
        #expect(budget.rows == 1)
        for claim in 0..<8 { budget.learn(claimed: 1 << claim, delivered: 1 << claim, in: 1) }
        #expect(budget.rows == 256)
        budget.learn(claimed: 256, delivered: 200, in: 2500)
        #expect(budget.rows == 200)
        budget.learn(claimed: 200, delivered: 200, in: 4000)
        #expect(budget.rows == 125)
        budget.learn(claimed: 125, delivered: 3, in: 5000)
        #expect(budget.rows == 3)
        budget.learn(claimed: 3, delivered: 0, in: 5000)
        #expect(budget.rows == 1)
        budget.learn(claimed: 1, delivered: 0, in: 5000)
        #expect(budget.rows == 1)
    }
}
