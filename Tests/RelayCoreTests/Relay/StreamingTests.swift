import RelayCore
import Testing

@Suite struct StreamingTests {
    private let a = SinkRegistration(name: "a")
    private let nothing = ClaimedRows(
        rows: RowBatch(token: nil, ids: []), lastValue: nil, reachedEnd: true, isOpen: false)

    /// A relay whose stream leads.
    private func leading() -> RelayScript {
        var script = RelayScript(["a"]) {
            $0.usesStream = true
            $0.pollInterval = 0
        }
        script.lead([a])
        script.give(.streamStanding)
        // This scan was sent before the slot stood: its last value does not count.
        script.scanned(0)
        script.scanned(0)
        script.give(.claimed(nothing))
        for _ in 0..<3 where !script.machine.isLedByStream { script.give(.claimed(nothing)) }
        return script
    }

    @Test func theStreamLeadsOnceTheTableIsDrained() {
        let script = leading()
        #expect(script.machine.isLedByStream)
    }

    @Test func aStreamedRowIsHandedOnAndOneAboveAGapWaits() {
        var script = leading()
        script.give(.streamRows(script.batch(2)))
        script.give(.visible([2]))
        #expect(script.sent("a") == nil)
        script.give(.streamRows(script.batch(1)))
        let early = script.sent("a")
        script.give(.visible([1, 2]))
        #expect((early ?? []) + (script.sent("a") ?? []) == [1, 2])
    }

    @Test func rowsInTheOrderOfTheirCommitsAreHandedOnInIDOrder() {
        var script = leading()
        for batch in [script.batch(5), script.batch(3), script.batch(2, 7), script.batch(6, 4), script.batch(3)] {
            script.give(.streamRows(batch))
        }
        #expect(script.sent("a") == nil)
        script.give(.streamRows(script.batch(1)))
        #expect(script.sent("a") == Array(1...7))
        script.delivers("a", 7)
        script.give(.tick)
        #expect(script.machine.heldBatches == 0)
    }

    @Test func rowsThatFindNoRoomAreDrainedFromTheTable() {
        var script = leading()
        script.give(.streamRows(script.batch(2)))
        var huge = script.batch(3)
        huge.bytes = 1 << 30
        script.give(.streamRows(huge))
        #expect(!script.machine.isLedByStream)
        #expect(script.effects.contains(.note(.draining)))
        #expect(script.effects.contains { if case .release = $0 { true } else { false } })
    }

    @Test func aLostStreamIsPolledAndOpenedAgain() {
        var script = leading()
        script.give(.streamEnded)
        #expect(!script.machine.isLedByStream)
        #expect(script.claim != nil || script.effects.contains { if case .sweep = $0 { true } else { false } })
    }
}
