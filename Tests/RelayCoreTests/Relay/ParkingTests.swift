import RelayCore
import Testing

/// What becomes of events that a sink rejects.
@Suite struct ParkingTests {
    private let a = SinkRegistration(name: "a")

    private func script(_ onReject: LanePolicy.OnReject, byKey: Bool = false) -> RelayScript {
        let order: LanePolicy.Order = byKey ? .key(concurrency: 4, batch: 1) : .id
        var script = RelayScript(lanes: ["a": LanePolicy(order: order, onReject: onReject)])
        script.lead([a])
        return script
    }

    @Test func aParkedEventIsDoneAndTheLaneGoesOnAtOnce() {
        var script = script(.park)
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "z"]), lastValue: 3)
        script.give(.answered(sink: "a", count: 1, .delivered))
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        #expect(script.effects.contains(.note(.rejected(sink: "a", id: 2, reason: "no", isParked: true))))
        script.give(.deliveryEnded(sink: "a"))
        #expect(script.sent("a") == [3])
        script.delivers("a", 1)
        #expect(script.settled == [1, 2, 3])
        #expect(script.settle?.first?.parked == [Parking(id: 2, reason: "no")])
    }

    @Test func whatIsOfAParkedKeyIsParkedBehindIt() {
        var script = script(.parkKey)
        script.claimed(script.batch(keys: [1: "x", 2: "x", 3: "y", 4: "x"]), lastValue: 4)
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a"))
        #expect(script.sent("a") == [3])
        script.delivers("a", 1)
        #expect(script.settled == [1, 2, 3, 4])
        #expect(
            script.settle?.first?.parked
                == [Parking(id: 1, reason: "no"), Parking(id: 2, behind: 1), Parking(id: 4, behind: 1)])
    }

    @Test func aDeliveryOfParkedKeysAloneIsNone() {
        var script = script(.parkKey)
        script.give(
            .swept(SweptState(sinks: [a], owed: [], parkedKeys: ["a": [EventKey("x"): 7]])))
        script.give(.sessionsLost)
        script.give(
            .sessionsOpened(
                OpenedSessions(
                    sinks: [SinkRegistration(name: "a", cursor: 8, isEarned: true)],
                    parkedKeys: ["a": [EventKey("x"): 7]])))
        script.give(
            .swept(SweptState(sinks: [SinkRegistration(name: "a", cursor: 8, isEarned: true)], owed: [])))
        script.claimed(script.batch(keys: [9: "x", 10: "x"]), lastValue: 10)
        #expect(script.sent("a") == nil)
        #expect(script.settle?.first?.parked.map(\.behind) == [7, 7])
        #expect(script.settled == [9, 10])
    }

    @Test func byKeyTheOthersAreNotHeldUp() {
        var script = script(.parkKey, byKey: true)
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "x"]), lastValue: 3)
        script.give(.answered(sink: "a", flight: 1, count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a", flight: 1))
        script.ends("a", 2)
        #expect(script.settled == [1, 2, 3])
        #expect(script.settle?.first?.parked == [Parking(id: 1, reason: "no"), Parking(id: 3, behind: 1)])
    }

    @Test func aRetriedEventIsParkedNoLongerOnceItIsDelivered() {
        var script = script(.park)
        script.findsNothing()
        script.give(.operatorRequested)
        #expect(script.sweeps)
        script.give(.swept(SweptState(sinks: [a], owed: [], parkedToRetry: ["a": [3, 5, 8]])))
        #expect(script.effects.contains(.readParked(sink: "a", ids: [3, 5, 8])))
        // 5 was deleted by hand meanwhile.
        script.give(.parkedRowsRead(sink: "a", script.batch(keys: [3: "x", 8: "x"])))
        #expect(script.sent("a") == [3, 8])
        script.give(.answered(sink: "a", count: 1, .delivered))
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "still no")))
        script.give(.deliveryEnded(sink: "a"))
        #expect(script.lastSettle?.first?.done == [])
        #expect(script.lastSettle?.first?.parkedOutcomes == [ParkedOutcome(id: 3)])
        script.give(.settled(SettledState(sinks: [a])))
        // The keys that are free now are asked for.
        #expect(script.sweep?.parkedKeys == true)
        script.now = 1000
        script.give(.swept(SweptState(sinks: [a], owed: [], parkedToRetry: ["a": [8]])))
        script.findsNothing()
        #expect(script.settle?.first?.parkedOutcomes == [ParkedOutcome(id: 8, rejection: "still no")])
    }

    @Test func aFailedSettlementKeepsWhatWasRetried() {
        var script = script(.park)
        script.findsNothing()
        script.give(.operatorRequested)
        script.give(.swept(SweptState(sinks: [a], owed: [], parkedToRetry: ["a": [3]])))
        script.give(.parkedRowsRead(sink: "a", script.batch(keys: [3: "x"])))
        script.delivers("a", 1)
        #expect(script.lastSettle?.first?.parkedOutcomes == [ParkedOutcome(id: 3)])
        script.give(.workFailed)
        #expect(script.settle == nil)
        script.now = 1000
        script.give(.tick)
        #expect(script.settle?.first?.parkedOutcomes == [ParkedOutcome(id: 3)])
    }

    @Test func anOutageInARetryIsNoRejection() {
        var script = script(.park)
        script.findsNothing()
        script.give(.operatorRequested)
        script.give(.swept(SweptState(sinks: [a], owed: [], parkedToRetry: ["a": [3]])))
        script.give(.parkedRowsRead(sink: "a", script.batch(keys: [3: "x"])))
        script.give(.answered(sink: "a", count: 1, .retry(after: nil, reason: "down")))
        script.give(.deliveryEnded(sink: "a"))
        #expect(script.settle == nil)
        #expect(script.machine.status(mode: "poll", orderHold: nil).sinks.first { $0.name == "a" }?.state == "retrying")
    }

    @Test func anOwedRowThatIsRejectedIsParked() {
        var script = RelayScript(lanes: ["a": LanePolicy(onReject: .park)])
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: [OwedEntry(sink: "a", id: 3)])))
        script.give(.owedRowsRead(sink: "a", script.batch(keys: [3: "x"])))
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a"))
        script.give(.swept(SweptState(sinks: [stored], owed: [OwedEntry(sink: "a", id: 3)])))
        // A claim has its turn first.
        script.findsNothing()
        script.now = 1000
        script.give(.tick)
        #expect(script.lastSettle?.first?.owedDone == [3])
        #expect(script.lastSettle?.first?.parked == [Parking(id: 3, reason: "no")])
    }

    /// The first answer speaks of the first event that was sent, not of one that stays behind.
    @Test(arguments: [false, true]) func aRejectionAfterAnEventThatStaysBehindIsItsOwn(_ isLate: Bool) {
        var script = RelayScript(lanes: ["a": LanePolicy(onReject: .parkKey)])
        let stored = SinkRegistration(name: "a", cursor: isLate ? 5 : 1, isEarned: true)
        let owed = isLate ? [2, 3].map { OwedEntry(sink: "a", id: $0) } : []
        script.give(
            .sessionsOpened(
                OpenedSessions(sinks: [stored], owed: owed, parkedKeys: ["a": [EventKey("x"): 1]])))
        script.give(.swept(SweptState(sinks: [stored], owed: owed)))
        let rows = script.batch(keys: [2: "x", 3: "y"])
        if isLate { script.give(.owedRowsRead(sink: "a", rows)) } else { script.claimed(rows, lastValue: 3) }
        #expect(script.sent("a") == [3])
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        #expect(script.effects.contains(.note(.rejected(sink: "a", id: 3, reason: "no", isParked: true))))
        script.give(.deliveryEnded(sink: "a"))
        script.now = 1000
        if isLate { script.findsNothing() } else { script.give(.tick) }
        #expect(script.lastSettle?.first?.parked == [Parking(id: 2, behind: 1), Parking(id: 3, reason: "no")])
    }

    /// Between tenures nobody sends anything: the rest is read again in the next one.
    @Test func aRejectionBetweenTenuresSendsNothing() {
        var script = script(.park)
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "z"]), lastValue: 3)
        script.give(.sessionsLost)
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a"))
        #expect(script.sent("a") == nil)
        script.give(.sessionsOpened(OpenedSessions(sinks: [a], keepsLanes: true)))
        #expect(script.settled == [1])
        let settled = SinkRegistration(name: "a", cursor: 1, isEarned: true)
        script.give(.settled(SettledState(sinks: [settled])))
        script.give(.swept(SweptState(sinks: [settled], owed: [])))
        script.scanned(3)
        script.claimed(script.batch(keys: [2: "y", 3: "z"]), lastValue: 3)
        #expect(script.sent("a") == [2, 3])
    }

    /// Whoever moves or removes the sink meanwhile has made another one of it.
    @Test func aReadForAnOlderRegistrationIsNotDelivered() {
        var script = script(.park)
        script.findsNothing()
        script.give(.operatorRequested)
        script.give(.swept(SweptState(sinks: [a], owed: [], parkedToRetry: ["a": [3]])))
        script.findsNothing()
        script.now = 1000
        script.give(.sinksChanged)
        #expect(script.settle != nil)
        var gone = SinkRegistration(name: "a", generation: 2)
        gone.isRemoving = true
        script.give(.settled(SettledState(sinks: [gone])))
        script.give(.parkedRowsRead(sink: "a", script.batch(keys: [3: "x"])))
        #expect(script.sent("a") == nil)
        script.give(.swept(SweptState(sinks: [gone], owed: [], parkedToRetry: ["a": [3]])))
        #expect(!script.effects.contains(.readParked(sink: "a", ids: [3])))
    }

    /// An owed row of the same key may lie below the one that is parked.
    @Test func theLowestOfAKeyIsTheOneThatOthersStandBehind() {
        var script = RelayScript(lanes: ["a": LanePolicy(onReject: .parkKey)])
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        let owed = [2, 3].map { OwedEntry(sink: "a", id: $0) }
        script.give(
            .sessionsOpened(OpenedSessions(sinks: [stored], owed: owed, parkedKeys: ["a": [EventKey("x"): 5]])))
        script.give(.owedRowsRead(sink: "a", script.batch(keys: [2: "x"]), reachedEnd: false))
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a"))
        script.give(.owedRowsRead(sink: "a", script.batch(keys: [3: "x"])))
        #expect(script.everSent("a") == [2])
        script.give(.swept(SweptState(sinks: [stored], owed: owed)))
        script.now = 1000
        script.findsNothing()
        #expect(script.lastSettle?.first?.parked == [Parking(id: 2, reason: "no"), Parking(id: 3, behind: 2)])
    }

    @Test func parkedIsWhatTheCursorPassesAndNoMore() {
        let facts = SettlementFacts(
            sinks: [a], absent: IDRanges(), owed: [], places: [1: .unpublished, 2: .unpublished])
        // 3 is not visible yet: the cursor stops below it, and it is not parked.
        let progress = LaneProgress(
            sink: "a", generation: a.generation, done: [1, 2, 3], parked: [2, 3].map { Parking(id: $0, reason: "no") })
        let writes = Settlement(facts: facts, lanes: [progress]).decide()
        #expect(writes.parked == ["a": [Parking(id: 2, reason: "no")]])
        #expect(writes.published == [1, 2])
    }
}
