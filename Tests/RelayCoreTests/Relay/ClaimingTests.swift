import RelayCore
import Testing

@Suite struct ClaimingTests {
    private let a = SinkRegistration(name: "a")
    private let holder = SequenceHolder(virtualTransaction: "3/1", pid: 7)

    @Test func aContiguousRunNeedsNoScan() {
        var script = RelayScript()
        script.lead([a])
        #expect(script.claim?.after == 0)
        let rows = script.batch(1, 2, 3)
        script.claimed(rows, lastValue: 3)
        #expect(script.sent("a") == [1, 2, 3])
    }

    @Test func deliveredRowsAreSettledInTheirClaim() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(1, 2), lastValue: 2)
        script.delivers("a", 2)
        #expect(script.effects.contains { if case .settle(_, inClaim: true) = $0 { true } else { false } })
        #expect(script.settle?.first?.done == [1, 2])
    }

    @Test func aRowAboveAGapWaitsForTheHorizon() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(2), lastValue: 2)
        #expect(script.sent("a") == nil)
        #expect(script.effects.contains(.endClaim))
        script.scanned(2, [holder])
        #expect(script.sent("a") == nil)
        script.now += 200
        script.give(.tick)
        #expect(script.effects.contains(.scan))
        script.scanned(2)
        // The claim under way was sent before that answer, and only for what lies below the row that waits.
        script.claimed(RowBatch(token: nil, ids: []), lastValue: 2)
        script.now += 200
        script.give(.tick)
        script.claimed(script.batch(2), lastValue: 2)
        // A claim skips what is locked, so the gap is looked at before it counts as empty.
        #expect(script.recheckedGaps?.ranges == [IDRange(1, 1)])
        script.give(.gapsRechecked(RowsInGaps()))
        #expect(script.sent("a") == [2])
    }

    @Test func aLockedRowInAGapIsWaitedForAndNamed() {
        var script = RelayScript()
        script.lead([a])
        script.scanned(2)
        script.now += 200
        script.give(.workFailed)
        script.now += 200
        script.give(.tick)
        script.claimed(script.batch(2), lastValue: 2)
        #expect(script.recheckedGaps?.ranges == [IDRange(1, 1)])
        script.give(.gapsRechecked(RowsInGaps(unpublished: [1])))
        #expect(script.sent("a") == nil)
        script.now += 5000
        script.give(.tick)
        #expect(
            script.effects.contains {
                if case .note(.orderHold(let hold)) = $0 { hold.cause == .lockedRow(1) } else { false }
            })
    }

    @Test func aRowAboveTheSequenceIsHeld() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(1, 9), lastValue: 1)
        #expect(script.sent("a") == [1])
    }

    @Test func aFailedClaimIsTriedAgain() {
        var script = RelayScript()
        script.lead([a])
        script.give(.workFailed)
        #expect(script.claim == nil)
        script.now = script.machine.nextWake(after: script.now) ?? 0
        script.give(.tick)
        #expect(script.claim?.after == 0)
    }
}
