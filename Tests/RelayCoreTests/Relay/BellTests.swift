import RelayCore
import Testing

@Suite("The stream rings, the table speaks")
struct BellTests {
    private let a = SinkRegistration(name: "a")

    private func announcement(_ transaction: UInt32, _ ids: Int64...) -> Announcement {
        Announcement(transaction: transaction, ids: IDRanges(ascending: ids.sorted()))
    }

    private func rows(
        _ batch: RowBatch, lastValue: Int64 = 100, reachedEnd: Bool = true, visible: [UInt32] = [],
        edges: SnapshotEdges? = nil
    ) -> RelayInput {
        .tailRead(
            TailRows(
                rows: batch, lastValue: batch.ids.isEmpty ? nil : lastValue, reachedEnd: reachedEnd, visible: visible,
                edges: edges))
    }

    private let nothing = RowBatch(token: nil, ids: [])

    /// A relay to which everything that is committed rings, and which reads nothing now.
    private func ringing(_ change: (inout RelayPolicy) -> Void = { _ in }) throws -> RelayScript {
        var script = RelayScript(["a"]) {
            $0.usesStream = true
            change(&$0)
        }
        script.lead([a])
        script.scanned(0)
        script.give(rows(nothing))
        script.give(.streamStanding)
        #expect(try #require(script.tailRead).wantsEdges)
        script.give(rows(nothing, edges: SnapshotEdges(xmin: 7, xmax: 9)))
        script.now += 1000
        script.give(.tick)
        #expect(!script.machine.ringsForAll)
        script.give(rows(nothing, edges: SnapshotEdges(xmin: 9, xmax: 12)))
        #expect(script.effects.contains(.note(.streaming)))
        script.give(.swept(SweptState(sinks: [a], owed: [:])))
        #expect(script.machine.ringsForAll)
        return script
    }

    @Test func aReadIsMadeWhenItRingsAndNotBefore() throws {
        var script = try ringing()
        #expect(script.tailRead == nil)
        script.now += 1000
        script.give(.tick)
        #expect(script.tailRead == nil)
        script.give(.rung([announcement(9, 1)]))
        let read = try #require(script.tailRead)
        #expect(read.rows.after == 0 && read.transactions.isEmpty)
        script.give(rows(script.batch(1)))
        #expect(script.sent("a") == [1])
        #expect(!script.machine.waitsForAnnounced && script.tailRead == nil)
    }

    @Test func whatRingsDuringAReadIsServedByTheNext() throws {
        var script = try ringing()
        script.give(.rung([announcement(9, 1)]))
        script.give(.rung([announcement(10, 2)]))
        #expect(script.tailRead == nil)
        script.give(rows(script.batch(1)))
        #expect(script.tailRead?.rows.after == 1)
    }

    /// An operator undoes the mark of a row that was read before it rang: its ring was awaited, and is news all the same.
    @Test func aRingOfASettledRowAsksTheSweep() throws {
        var script = try ringing()
        script.now += 5000
        script.give(.tick)
        script.give(rows(script.batch(1)))
        #expect(script.sent("a") == [1])
        script.now += 1000
        script.delivers("a", 1)
        #expect(script.settled == [1])
        script.give(.settled(SettledState(sinks: [SinkRegistration(name: "a", cursor: 1, isEarned: true)])))
        script.give(.rung([announcement(9, 1)]))
        #expect(script.sweep?.announced.map(\.transaction) == [9])
    }

    /// What may be unheard may stand where the rotation of sweeps under way has been.
    @Test func whatWasUnheardIsSweptForFromTheBottom() throws {
        var script = RelayScript(["a"]) { $0.usesStream = true }
        script.give(.sessionsOpened(OpenedSessions(sinks: [a])))
        script.give(.swept(SweptState(sinks: [a], owed: nil, sweptThrough: 5)))
        script.scanned(0)
        script.give(rows(nothing))
        script.give(.streamStanding)
        script.give(rows(nothing, edges: SnapshotEdges(xmin: 9, xmax: 9)))
        #expect(script.sweep?.above == 5)
        script.give(.swept(SweptState(sinks: [a], owed: nil)))
        #expect(try #require(script.sweep).above == nil)
    }

    /// Else no read would ever look for what is unheard: what is above an open gap is not the end of the table.
    @Test func aGapThatALanePassedOnItsOwnIsClosed() throws {
        var script = RelayScript(["a"]) { $0.usesStream = true }
        script.lead([a])
        script.scanned(1)
        script.give(rows(script.batch(1, 3)))
        #expect(script.sent("a") == [1])
        script.give(.streamStanding)
        script.give(rows(script.batch(3)))
        // The sink fails and leaves the tail; when it is well again, the horizon is above the gap.
        script.give(.answered(sink: "a", count: 0, .retry(after: nil, reason: "down")))
        script.give(.deliveryEnded(sink: "a"))
        script.scanned(3)
        script.now += 60_000
        script.give(.tick)
        script.give(.rowsRead(sink: "a", script.batch(1, 3), reachedEnd: true))
        #expect(script.tailRead?.rows.after == 3)
        #expect(script.everSent("a") == [1, 1, 3])
        script.give(rows(nothing, edges: SnapshotEdges(xmin: 12, xmax: 12)))
        #expect(script.effects.contains(.note(.streaming)))
    }

    @Test func whatIsNotVisibleYetIsAskedForAgain() throws {
        var script = try ringing()
        script.give(.rung([announcement(9, 1)]))
        script.give(rows(nothing))
        #expect(script.tailRead == nil, "not at once")
        script.now += 1
        script.give(.tick)
        #expect(script.tailRead?.transactions == [9])
        script.give(rows(nothing))
        script.now += 1
        script.give(.tick)
        #expect(script.tailRead == nil, "less and less often")
        script.now += 1
        script.give(.tick)
        #expect(script.tailRead?.transactions == [9])
        script.give(rows(script.batch(1), visible: [9]))
        #expect(script.sent("a") == [1])
        #expect(!script.machine.waitsForAnnounced)
    }

    @Test func aWithdrawnRowIsForgottenOnceItsTransactionIsVisibleAndHoldsNobodyUp() throws {
        var script = try ringing()
        script.give(.rung([announcement(9, 1), announcement(10, 2)]))
        script.give(rows(script.batch(2)))
        #expect(script.sent("a") == nil, "1 may still come")
        script.now += 1
        script.give(.tick)
        #expect(script.tailRead?.transactions == [9])
        script.give(rows(nothing, visible: [9]))
        // No scan was needed: whoever drew 1 is known to be done.
        #expect(script.tailRead?.rows.after == 0)
        script.give(rows(script.batch(2)))
        #expect(script.sent("a") == [2])
    }

    @Test func aFullPortionSaysNothingOfWhatLiesAboveIt() throws {
        var script = try ringing { $0.batchSize = 1 }
        script.give(.rung([announcement(9, 1, 2)]))
        script.give(rows(script.batch(1), reachedEnd: false, visible: [9]))
        #expect(script.machine.waitsForAnnounced)
        #expect(script.tailRead?.rows.after == 1)
    }

    @Test func whatRingsBelowTheTailAsksTheSweep() throws {
        var script = try ringing()
        script.give(.rung([announcement(9, 5)]))
        script.scanned(5)
        script.give(rows(script.batch(5)))
        script.now += 1
        script.give(.tick)
        script.scanned(5)
        script.give(rows(script.batch(5)))
        #expect(script.everSent("a") == [5])
        // Its own announcement came before; a second one is news, and so is one of another id.
        script.give(.rung([announcement(10, 3)]))
        #expect(script.sweep?.announced == [announcement(10, 3)])
        script.give(.swept(SweptState(sinks: [a], owed: [:])))
        script.now += 1
        script.give(.tick)
        #expect(script.sweep?.announced == [announcement(10, 3)], "its transaction is not visible yet")
        script.give(.swept(SweptState(sinks: [a], owed: [:], visible: [10])))
        #expect(!script.machine.waitsForAnnounced)
    }

    @Test func whatWasReadBeforeItRangIsNoNews() throws {
        var script = try ringing()
        script.give(.rung([announcement(9, 1)]))
        script.give(rows(script.batch(1, 2)))
        #expect(script.sent("a") == [1, 2])
        script.give(.rung([announcement(10, 2)]))
        #expect(script.tailRead == nil && script.sweep == nil && !script.machine.waitsForAnnounced)
    }

    @Test func announcementsThatFindNoRoomMakeItLookWithoutBeingCalled() throws {
        var script = try ringing { $0.announcements = 1 }
        script.give(.rung([announcement(9, 1, 3)]))
        #expect(!script.machine.ringsForAll)
        #expect(script.tailRead?.wantsEdges == true)
        script.give(rows(nothing, edges: SnapshotEdges(xmin: 9, xmax: 10)))
        script.now += 100
        script.give(.tick)
        script.give(rows(script.batch(1), edges: SnapshotEdges(xmin: 10, xmax: 10)))
        #expect(script.machine.ringsForAll)
    }

    @Test func aReadThatWasSentBeforeTheSlotStoodDoesNotCount() throws {
        var script = RelayScript(["a"]) { $0.usesStream = true }
        script.lead([a])
        script.scanned(0)
        script.give(rows(nothing))
        script.now += 100
        script.give(.tick)
        #expect(script.tailRead?.wantsEdges == false)
        script.give(.streamStanding)
        script.give(rows(nothing, edges: SnapshotEdges(xmin: 9, xmax: 9)))
        #expect(!script.machine.ringsForAll)
        #expect(script.tailRead?.wantsEdges == true)
    }

    @Test func withoutTheStreamTheTimerGoesBack() throws {
        var script = try ringing()
        script.give(.streamEnded)
        #expect(script.tailRead != nil && !script.machine.ringsForAll)
        script.give(rows(nothing))
        for _ in 0..<8 {
            script.now += 100
            script.give(.tick)
            #expect(script.tailRead != nil)
            script.give(rows(nothing))
        }
    }

    @Test func anUnreadableRowHoldsTheOrderAndIsNamed() throws {
        var script = try ringing()
        let fault = RowFault(id: 2, work: .read, reason: "invalid byte sequence")
        script.give(.rung([announcement(9, 1, 2, 3)]))
        script.give(
            .tailRead(
                TailRows(rows: script.batch(1), lastValue: 3, reachedEnd: false, fault: fault)))
        #expect(script.sent("a") == [1])
        #expect(script.effects.contains(.note(.rowFault(fault))))
        script.now += 1000
        script.give(.tick)
        let read = try #require(script.tailRead)
        #expect(read.rows.after == 1)
        script.give(.tailRead(TailRows(rows: nothing, lastValue: nil, reachedEnd: false, fault: fault)))
        #expect(!script.effects.contains(.note(.rowFault(fault))), "it is told once")
        script.now += 1000
        script.give(.tick)
        script.give(rows(script.batch(2, 3)))
        script.delivers("a", 1)
        #expect(script.everSent("a") == [1, 2, 3])
    }
}
