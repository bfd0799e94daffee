import RelayCore
import Testing

@Suite struct LanesTests {
    private let a = SinkRegistration(name: "a")
    private let b = SinkRegistration(name: "b")

    @Test func aLaneLeavesTheTailAtItsFirstOutageAndComesBack() {
        var script = RelayScript(["a", "b"]) { $0.retry = RetryPolicy(base: 0, maximum: 0) }
        script.lead([a, b])
        script.scanned(0)
        script.claimed(script.batch(1), lastValue: 1)
        #expect(script.sent("a") == [1])
        #expect(script.sent("b") == [1])
        script.give(.answered(sink: "b", count: 1, .retry(after: nil, reason: "down")))
        script.give(.deliveryEnded(sink: "b"))
        #expect(script.effects.contains(.note(.leftTail(sink: "b"))))
        #expect(script.read?.after == 0)
        script.give(.rowsRead(sink: "b", script.batch(1), reachedEnd: true))
        #expect(script.sent("b") == [1])
        #expect(script.effects.contains(.note(.caughtUp(sink: "b"))))
        script.delivers("b", 1)
        #expect(script.effects.contains(.note(.recovered(sink: "b"))))
    }

    /// An administrator moves a sink whose delivery is under way: what is read for it since then waits for that to end.
    @Test func theEndOfAnOlderRegistrationsDeliveryDropsNothing() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(1), lastValue: 1)
        script.now = 1000
        script.give(.sinksChanged)
        let moved = SinkRegistration(name: "a", generation: 2)
        script.give(.settled(SettledState(sinks: [moved])))
        #expect(script.effects.contains(.cancelDelivery(sink: "a")))
        script.scanned(1)
        let reads = script.lastRead("a") == 0
        #expect(reads)
        script.give(.rowsRead(sink: "a", script.batch(1), reachedEnd: true))
        #expect(script.effects.contains(.note(.caughtUp(sink: "a"))))
        script.give(.deliveryEnded(sink: "a"))
        #expect(script.sent("a") == [1])
    }

    /// Nor does it say how far the new registration has come, should the sessions be lost beside it.
    @Test func anOlderRegistrationsDeliveryIsNoPlace() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(1, 2), lastValue: 2)
        script.now = 1000
        script.give(.sinksChanged)
        let moved = SinkRegistration(name: "a", generation: 2)
        script.give(.settled(SettledState(sinks: [moved])))
        script.give(.sessionsLost)
        script.give(
            .sessionsOpened(OpenedSessions(sinks: [moved], keepsLanes: true, publishedAboveCursors: true)))
        script.give(.deliveryEnded(sink: "a"))
        script.give(.swept(SweptState(sinks: [moved], owed: [])))
        script.scanned(2)
        let reads = script.lastRead("a") == 0
        #expect(reads)
    }

    /// A sink was set back: rows above a gap may be published, and no claim brings those.
    @Test func aLaneDoesNotMeetTheTailBelowRowsThatMayBePublished() {
        var script = RelayScript()
        script.give(.sessionsOpened(OpenedSessions(sinks: [a], publishedAboveCursors: true)))
        script.give(.swept(SweptState(sinks: [a], owed: [])))
        script.scanned(4, [SequenceHolder(virtualTransaction: "3/1", pid: 7)])
        script.give(.rowsRead(sink: "a", script.batch(1, 2, 4), reachedEnd: true))
        #expect(script.sent("a") == [1, 2])
        #expect(!script.effects.contains(.note(.caughtUp(sink: "a"))))
        script.delivers("a", 2)
        // The gap is closed after the next read was sent: the one after it brings what no claim would.
        script.now += 2000
        script.give(.tick)
        script.scanned(4)
        script.give(.rowsRead(sink: "a", script.batch(4), reachedEnd: true))
        #expect(!script.effects.contains(.note(.caughtUp(sink: "a"))))
        script.now += 2000
        script.give(.tick)
        #expect(script.lastRead("a") == 2)
        script.give(.rowsRead(sink: "a", script.batch(4), reachedEnd: true))
        #expect(script.sent("a") == [4])
        #expect(script.effects.contains(.note(.caughtUp(sink: "a"))))
    }

    /// Nor where a read ends because it passes over ids up to there only.
    @Test func aReadThatPassesOverIDsIsNotTheEndOfTheTable() {
        var script = RelayScript()
        let sink = SinkRegistration(name: "a", passThrough: 2)
        script.give(.sessionsOpened(OpenedSessions(sinks: [sink], publishedAboveCursors: true)))
        script.give(.swept(SweptState(sinks: [sink], owed: [])))
        script.scanned(4)
        #expect(script.read?.through == 2)
        script.give(.rowsRead(sink: "a", RowBatch(token: nil, ids: [1, 2]), reachedEnd: true))
        #expect(!script.effects.contains(.note(.caughtUp(sink: "a"))))
    }

    /// The answer to a read that was sent before an outage does not join on to where the lane is after it.
    @Test func aReadThatDoesNotJoinOnIsNotTaken() {
        var script = RelayScript(["a"]) {
            $0.retry = RetryPolicy(base: 0, maximum: 0)
            $0.batchSize = 2
        }
        script.lead([a])
        script.scanned(3)
        script.claimed(script.batch(1), lastValue: 3)
        script.give(.answered(sink: "a", count: 1, .retry(after: nil, reason: "down")))
        script.give(.deliveryEnded(sink: "a"))
        #expect(script.read?.after == 0)
        script.give(.rowsRead(sink: "a", script.batch(1, 2), reachedEnd: false))
        #expect(script.sent("a") == [1, 2])
        #expect(script.read?.after == 2)
        // The sink fails while the next read is under way.
        script.give(.answered(sink: "a", count: 1, .retry(after: nil, reason: "down")))
        script.give(.deliveryEnded(sink: "a"))
        script.give(.rowsRead(sink: "a", script.batch(3), reachedEnd: true))
        #expect(script.sent("a") == nil)
        #expect(script.read?.after == 0)
    }

    /// A read that passes rows goes only up to where the lane begins to deliver: it says nothing of what is above.
    @Test func aPassingReadDoesNotMeetTheTail() {
        let latest = SinkRegistration(name: "b", cursor: 0, passThrough: 1)
        var script = RelayScript(["a", "b"]) { $0.pollInterval = 0 }
        script.lead([a, latest])
        script.scanned(2)
        #expect(script.read?.through == 1)
        script.claimed(script.batch(1, 2), lastValue: 2)
        script.give(.rowsRead(sink: "b", RowBatch(token: nil, ids: [1]), reachedEnd: true))
        #expect(!script.effects.contains(.note(.caughtUp(sink: "b"))))
    }

    @Test func aRejectedEventBlocksItsLaneAndIsNamedOnce() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(1, 2), lastValue: 2)
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        #expect(script.effects.contains(.note(.rejected(sink: "a", id: 1, reason: "no", isParked: false))))
    }

    @Test func aClosedOnlySinkEndsTheRelayOnceAllIsSettled() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(1, 2), lastValue: 2)
        script.give(.answered(sink: "a", count: 1, .delivered))
        script.give(.answered(sink: "a", count: 1, .closed(reason: "broken pipe")))
        script.give(.deliveryEnded(sink: "a"))
        #expect(script.settle?.first?.done == [1])
        #expect(script.end == nil)
        script.give(
            .settled(SettledState(sinks: [SinkRegistration(name: "a", cursor: 1, isEarned: true)])))
        #expect(script.end == .sinkClosed("a"))
    }

    @Test func anOwedRowIsReadAndDeliveredOutOfTurn() {
        var script = RelayScript()
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        let owed = OwedEntry(sink: "a", id: 3)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: [owed])))
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [3])))
        script.give(.owedRowsRead(sink: "a", script.batch(3)))
        #expect(script.sent("a") == [3])
    }

    /// A crash would repeat what is owed as well as what came in turn.
    @Test func owedRowsShareTheWindow() {
        var script = RelayScript { $0.window = 4 }
        let sink = SinkRegistration(name: "a", cursor: 9, isEarned: true)
        let owed = (1...6).map { OwedEntry(sink: "a", id: $0) }
        script.give(.sessionsOpened(OpenedSessions(sinks: [sink], owed: owed)))
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [1, 2, 3, 4])))
        script.give(.swept(SweptState(sinks: [sink], owed: owed)))
        script.give(.owedRowsRead(sink: "a", script.batch(1, 2, 3, 4)))
        #expect(script.claim == nil)
        script.now = 10
        script.delivers("a", 4)
        // Nothing more is asked for until this is settled.
        #expect(!script.effects.contains { if case .readOwed = $0 { true } else { false } })
        #expect(script.settle?.first?.owedDone == [1, 2, 3, 4])
        script.give(.settled(SettledState(sinks: [sink], removed: Array(owed.prefix(4)))))
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [5, 6])))
        #expect(script.claim?.after == 9)
    }

    @Test func onlyWhatWasAskedForCountsAsDeleted() {
        var script = RelayScript()
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        let first = OwedEntry(sink: "a", id: 3)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: [first])))
        // Another row turns up late while the read of the first is under way.
        let second = OwedEntry(sink: "a", id: 4)
        script.give(.swept(SweptState(sinks: [stored], owed: [first, second], entered: [second])))
        script.give(.owedRowsRead(sink: "a", RowBatch(token: nil, ids: [])))
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [4])))
    }

    /// Else the answer to the first question would pass for that to a second, and what turned up since for deleted.
    @Test func aReadThatFailsLeavesTheOthersUnderWay() {
        var script = RelayScript()
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        let (first, second) = (OwedEntry(sink: "a", id: 3), OwedEntry(sink: "a", id: 4))
        script.give(
            .sessionsOpened(
                OpenedSessions(
                    sinks: [stored], owed: [String: OwedPortion](whole: [first]), publishedAboveCursors: true)))
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [3])))
        script.scanned(5)
        script.give(.swept(SweptState(sinks: [stored], owed: [first, second], entered: [second])))
        script.give(.readFailed(sink: "a", .rows))
        #expect(!script.effects.contains { if case .readOwed = $0 { true } else { false } })
        // The answer to the first question.
        script.give(.owedRowsRead(sink: "a", script.batch(3)))
        script.delivers("a", 1)
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [4])))
        script.give(.owedRowsRead(sink: "a", script.batch(4)))
        #expect(script.everSent("a") == [3, 4])
    }

    @Test func aReadOutOfTurnThatFailsIsMadeAgainNotAtOnce() {
        var script = RelayScript()
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: [OwedEntry(sink: "a", id: 3)])))
        script.give(.readFailed(sink: "a", .owed))
        #expect(!script.effects.contains { if case .readOwed = $0 { true } else { false } })
        script.now = script.machine.nextWake(after: 99) ?? 0
        #expect(script.now == 100)
        script.give(.tick)
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [3])))
    }

    @Test func anOwedRowThatFoundNoRoomInAReadIsNotTakenForDeleted() {
        var script = RelayScript()
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        let owed = [OwedEntry(sink: "a", id: 2), OwedEntry(sink: "a", id: 3), OwedEntry(sink: "a", id: 4)]
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: owed)))
        // 2 is gone; 3 took all the room.
        script.give(.owedRowsRead(sink: "a", script.batch(3), reachedEnd: false))
        #expect(script.sent("a") == [3])
        script.delivers("a", 1)
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [4])))
    }

    @Test func aRemovedSinkThatNobodyIsConfiguredWithPassesWhatItIsOwed() {
        var script = RelayScript()
        var gone = SinkRegistration(name: "b", cursor: 5)
        gone.isRemoving = true
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        let owed = OwedEntry(sink: "b", id: 3)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored, gone], owed: [owed])))
        script.give(.swept(SweptState(sinks: [stored, gone], owed: [owed])))
        script.now = 1000
        script.findsNothing()
        #expect(script.lastSettle?.last?.owedDone == [3])
    }

    @Test func aStopWaitsForWhatIsDeliveredOutOfTurnAndNotSettled() {
        var script = RelayScript()
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        let owed = OwedEntry(sink: "a", id: 3)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: [owed])))
        script.give(.owedRowsRead(sink: "a", script.batch(3)))
        script.delivers("a", 1)
        script.give(.swept(SweptState(sinks: [stored], owed: [owed])))
        #expect(script.claim != nil)
        script.findsNothing()
        script.now = 1000
        script.give(.tick)
        #expect(script.lastSettle?.first?.owedDone == [3])
        script.give(.workFailed)
        #expect(script.claim != nil, "a claim has its turn before the settlement is tried again")
        script.findsNothing()
        script.give(.stop)
        #expect(script.end == nil)
        script.now = 2000
        script.give(.tick)
        #expect(script.settle?.first?.owedDone == [3])
    }
}
