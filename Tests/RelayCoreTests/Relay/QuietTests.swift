import RelayCore
import Testing

/// What a relay asks for while nothing happens.
@Suite struct QuietTests {
    private let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)

    /// What it asks for in ten seconds in which every question finds nothing, and every attempt on "b" fails.
    private func questions(_ script: inout RelayScript, from first: [RelayEffect]) -> [RelayEffect] {
        var (open, asked) = (first, [RelayEffect]())
        let end = script.now + 10_000
        while script.now < end {
            guard !open.isEmpty else {
                guard let wake = script.machine.nextWake(after: script.now) else { return asked }
                script.now = wake
                open += script.give(.tick)
                continue
            }
            let effect = open.removeFirst()
            asked.append(effect)
            switch effect {
            case .claim: script.findsNothing()
            case .scan: script.scanned(9)
            case .sweep: script.give(.swept(SweptState(sinks: [stored, dead], owed: nil)))
            case .read(let request):
                // Only the one that is down lacks rows.
                let rows = request.sink == "a" ? RowBatch(token: nil, ids: []) : script.batch(6, 7)
                script.give(.rowsRead(sink: request.sink, rows, reachedEnd: request.sink == "a"))
            case .deliver(let sink, let flight, _):
                script.give(.answered(sink: sink, flight: flight, count: 0, .retry(after: nil, reason: "down")))
                open += script.effects
                script.give(.deliveryEnded(sink: sink, flight: flight))
            case .settle: script.give(.settled(SettledState(sinks: [stored, dead])))
            default: continue
            }
            open += script.effects
        }
        return asked
    }

    private var dead: SinkRegistration { SinkRegistration(name: "b", cursor: 5, isEarned: true) }

    @Test func aSinkThatIsDownHasNobodyScanTheSequence() {
        var script = RelayScript(["a", "b"]) {
            $0.sweepInterval = 3000
            $0.retry = RetryPolicy(base: 20_000, maximum: 20_000)
        }
        let first = script.give(
            .sessionsOpened(OpenedSessions(sinks: [stored, dead], publishedAboveCursors: true)))
        let asked = questions(&script, from: first)
        let scans = asked.count { if case .scan = $0 { true } else { false } }
        let claims = asked.count { if case .claim = $0 { true } else { false } }
        #expect(claims > 50)
        #expect(scans < 10)
    }

    @Test func whatIsOwedIsReadOnlyByASweepThatIsAskedTo() {
        var script = RelayScript()
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: [OwedEntry(sink: "a", id: 3)])))
        #expect(script.sweep?.owed == false)
        script.give(.swept(SweptState(sinks: [stored], owed: nil)))
        script.give(.owedRowsRead(sink: "a", script.batch(3)))
        #expect(script.sent("a") == [3])
    }

    @Test func aLaneThatMayBeOwedMoreAsksForIt() {
        var script = RelayScript()
        let part = OwedPortion(waiting: [3], isPart: true)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: ["a": part])))
        script.give(.swept(SweptState(sinks: [stored], owed: nil)))
        script.give(.owedRowsRead(sink: "a", script.batch(3)))
        script.findsNothing()
        script.now = 1000
        script.delivers("a", 1)
        script.give(.settled(SettledState(sinks: [stored], removed: [OwedEntry(sink: "a", id: 3)])))
        #expect(script.claim != nil)
        script.findsNothing()
        #expect(script.sweep?.owed == true)
    }

    /// One owed row that cannot be read keeps nothing behind it waiting.
    @Test func anUnreadableOwedRowLeavesRoomForMore() {
        var script = RelayScript { $0.sweepInterval = 3000 }
        let part = OwedPortion(waiting: [3, 4], isPart: true)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: ["a": part])))
        script.give(.swept(SweptState(sinks: [stored], owed: nil)))
        let fault = RowFault(id: 3, work: .read, reason: "invalid byte sequence")
        script.give(.owedRowsRead(sink: "a", script.batch(4), faults: [fault]))
        script.findsNothing()
        script.now = 3000
        script.delivers("a", 1)
        #expect(script.settle != nil)
        script.give(.settled(SettledState(sinks: [stored], removed: [OwedEntry(sink: "a", id: 4)])))
        #expect(script.claim != nil)
        script.findsNothing()
        #expect(script.sweep?.owed == true)
    }

    /// Nor does it keep a parked event waiting that somebody wants tried again.
    @Test func anUnreadableOwedRowKeepsNoParkedEventWaiting() {
        var script = RelayScript { $0.sweepInterval = 3000 }
        let owed = OwedEntry(sink: "a", id: 3)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: [owed])))
        script.give(.swept(SweptState(sinks: [stored], owed: [owed], parkedToRetry: ["a": [2]])))
        let fault = RowFault(id: 3, work: .read, reason: "invalid byte sequence")
        script.give(.owedRowsRead(sink: "a", RowBatch(token: nil, ids: []), faults: [fault]))
        #expect(script.effects.contains(.readParked(sink: "a", ids: [2])))
        // The row itself is not asked for again before its time.
        script.give(.parkedRowsRead(sink: "a", script.batch(2)))
        script.delivers("a", 1)
        #expect(!script.effects.contains(.readOwed(sink: "a", ids: [3])))
    }

    /// Of rows that could not move a lane keeps a bounded number, and asks for the others once these are gone.
    @Test func rowsThatCannotMoveAreBoundedAndAskedForAgain() {
        var script = RelayScript { $0.sweepInterval = 3000 }
        let ids = (1...Int64(OwedPortion.limit)).map { $0 - Int64(OwedPortion.limit) }
        script.give(
            .sessionsOpened(OpenedSessions(sinks: [stored], owed: ["a": OwedPortion(delivered: ids)])))
        #expect(script.sweep?.owed == false)
        script.give(.swept(SweptState(sinks: [stored], owed: nil)))
        let moved = ids.map { OwedEntry(sink: "a", id: $0, isDelivered: true) }
        script.findsNothing()
        #expect(script.settle != nil)
        script.now = 3000
        script.give(.settled(SettledState(sinks: [stored], removed: moved)))
        #expect(script.claim != nil)
        script.findsNothing()
        #expect(script.sweep?.owed == true)
    }

    /// What failed did so on sessions that are gone.
    @Test func aTenureBeginsWithoutThePausesOfTheLast() throws {
        var script = RelayScript()
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored])))
        script.give(.swept(SweptState(sinks: [stored], owed: [:])))
        script.scanned(6)
        script.claimed(script.batch(6), lastValue: 6)
        script.now = 10
        script.delivers("a", 1)
        for _ in 0..<8 {
            try #require(script.settle != nil)
            script.give(.workFailed)
            if script.claim != nil { script.findsNothing() }
            #expect(script.settle == nil)
            script.now += 6000
            script.give(.tick)
            if script.claim != nil { script.findsNothing() }
        }
        script.give(.workFailed)
        script.give(.sessionsLost)
        script.now += 1
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], keepsLanes: true)))
        if script.claim != nil { script.findsNothing() }
        #expect(script.settle?.first?.done == [6])
    }

    /// What waits for a scan waits for the next one where it fails.
    @Test func aScanThatFailsIsMadeAgain() {
        var script = RelayScript()
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored])))
        script.give(.swept(SweptState(sinks: [stored], owed: nil)))
        script.scanned(5)
        script.claimed(script.batch(7), lastValue: 7)
        #expect(script.effects.contains(.scan))
        script.give(.scanFailed)
        #expect(!script.effects.contains(.scan), "not at once")
        script.now = 100
        script.give(.tick)
        #expect(script.effects.contains(.scan))
    }
}
