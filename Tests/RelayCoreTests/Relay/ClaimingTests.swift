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

    /// Where a claim brought all there was, what comes meanwhile is claimed together.
    @Test(arguments: [(true, Int64(3)), (false, 0)])
    func aClaimThatBroughtAllIsFollowedByAnotherAfterAPause(_ reachedEnd: Bool, _ pause: Int64) {
        var script = RelayScript { $0.claimSpacing = 3 }
        script.lead([a])
        script.give(
            .claimed(ClaimedRows(rows: script.batch(1), lastValue: 1, reachedEnd: reachedEnd, isOpen: true)))
        script.delivers("a", 1)
        let settled = SinkRegistration(name: "a", cursor: 1, isEarned: true)
        script.give(.settled(SettledState(sinks: [settled])))
        #expect((script.claim != nil) == (pause == 0))
        if pause > 0 { #expect(script.machine.nextWake(after: script.now) == pause) }
        script.now += pause
        script.give(.tick)
        #expect(script.everClaimed(after: 1))
    }

    /// The ids below mostly come by themselves, and who holds them need not be asked.
    @Test func aGapIsScannedOnlyOnceItHasStoodForAWhile() {
        var script = RelayScript { $0.gapPatience = 4 }
        script.lead([a])
        script.scanned(0)
        script.claimed(script.batch(2), lastValue: 2)
        #expect(!script.effects.contains(.scan))
        script.now += 3
        script.give(.tick)
        #expect(!script.effects.contains(.scan))
        script.now += 1
        script.give(.tick)
        #expect(script.effects.contains(.scan))
    }

    /// The wish for it goes with the gap, and the pause between claims stays.
    @Test func aGapThatClosesByItselfIsNotScanned() {
        var script = RelayScript { policy in
            policy.gapPatience = 4
            policy.claimSpacing = 8
        }
        script.lead([a])
        script.scanned(0)
        script.claimed(script.batch(2), lastValue: 2)
        script.now += 2
        script.give(.tick)
        script.claimed(script.batch(1, 2), lastValue: 2)
        #expect(script.sent("a") == [1, 2])
        script.delivers("a", 2)
        script.give(.settled(SettledState(sinks: [SinkRegistration(name: "a", cursor: 2, isEarned: true)])))
        script.now += 7
        script.give(.tick)
        #expect(!script.effects.contains(.scan))
        #expect(script.claim == nil)
    }

    /// What came together is taken as if it had come one after the other.
    @Test func anAnswerAndTheEndOfItsDeliveryMayComeTogether() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(1, 2), lastValue: 2)
        var other = script
        script.delivers("a", 2)
        let together = other.machine.decide(
            [.answered(sink: "a", count: 2, .delivered), .deliveryEnded(sink: "a")], at: other.now)
        #expect(together.effects == script.effects)
        #expect(together.nextWake == script.machine.nextWake(after: script.now))
        #expect(other.machine == script.machine)
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
