import RelayCore
import Testing

/// A lane with order by key: what is with the sink at once, and what a failing key holds back.
@Suite struct KeyOrderTests {
    private let a = SinkRegistration(name: "a")

    private func script(
        concurrency: Int = 4, batch: Int = 1, _ change: (inout RelayPolicy) -> Void = { _ in }
    ) -> RelayScript {
        var script = RelayScript(
            lanes: ["a": LanePolicy(order: .key(concurrency: concurrency, batch: batch), retry: steady)], change)
        script.lead([a])
        return script
    }

    /// Waits that draw nothing: 100 ms after the first failure would be up to 100.
    private let steady = RetryPolicy(base: 0, maximum: 0)

    @Test func differentKeysGoSideBySideAndOneKeyInOrder() {
        var script = script()
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "x", 4: "z"]), lastValue: 4)
        #expect(script.flights("a") == [.flight(1, of: 1), .flight(2, of: 2), .flight(3, of: 4)])
        script.give(.answered(sink: "a", flight: 1, count: 1, .delivered))
        #expect(script.flights("a").isEmpty)
        script.give(.deliveryEnded(sink: "a", flight: 1))
        #expect(script.flights("a") == [.flight(1, of: 3)])
    }

    @Test func concurrencyIsABound() {
        var script = script(concurrency: 2)
        script.claimed(script.batch(keys: [1: "w", 2: "x", 3: "y", 4: "z"]), lastValue: 4)
        #expect(script.flights("a") == [.flight(1, of: 1), .flight(2, of: 2)])
        script.ends("a", 2)
        #expect(script.flights("a") == [.flight(2, of: 3)])
    }

    @Test func aDeliveryTakesSeveralEventsWhereTheSinkDoes() {
        var script = script(concurrency: 2, batch: 2)
        script.claimed(script.batch(keys: [1: "x", 2: "x", 3: "x", 4: "y"]), lastValue: 4)
        #expect(script.flights("a") == [.flight(1, of: 1, 2), .flight(2, of: 4)])
    }

    @Test func theCursorStopsBelowTheLowestThatIsNotDone() {
        var script = script()
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "z"]), lastValue: 3)
        script.ends("a", 2)
        script.ends("a", 3)
        script.now = 1000
        script.give(.tick)
        // 2 and 3 are done, and 1 is not.
        #expect(script.settle == nil)
        script.ends("a", 1)
        script.findsNothing()
        #expect(script.settled == [1, 2, 3])
    }

    @Test func aFailingKeyHoldsBackNobodyElse() {
        var script = RelayScript(
            lanes: [
                "a": LanePolicy(
                    order: .key(concurrency: 4, batch: 1), retry: RetryPolicy(base: 100, maximum: 100))
            ])
        script.lead([a])
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "x", 4: "y"]), lastValue: 4)
        script.give(.answered(sink: "a", flight: 1, count: 1, .retry(after: .seconds(2), reason: "503")))
        script.give(.deliveryEnded(sink: "a", flight: 1))
        #expect(script.flights("a").isEmpty)
        script.ends("a", 2)
        #expect(script.flights("a") == [.flight(1, of: 4)])
        script.ends("a", 1)
        #expect(script.flights("a").isEmpty)
        #expect(script.machine.status(mode: "poll", orderHold: nil).sinks.first { $0.name == "a" }?.state == "retrying")
        script.now = 2000
        script.give(.tick)
        #expect(script.flights("a") == [.flight(1, of: 1)])
        script.ends("a", 1)
        #expect(script.effects.contains(.note(.recovered(sink: "a"))))
        #expect(script.flights("a") == [.flight(1, of: 3)])
    }

    @Test func aRejectedKeyBlocksAloneAndTheWindowIsTheEndOfIt() {
        var script = script { $0.window = 3 }
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "z", 4: "u"]), lastValue: 4)
        script.give(.answered(sink: "a", flight: 1, count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a", flight: 1))
        script.ends("a", 2)
        script.ends("a", 3)
        #expect(script.everSent("a") == [1, 2, 3, 1], "1 is tried again, and 4 finds no room in the window")
        #expect(script.machine.status(mode: "poll", orderHold: nil).sinks.first { $0.name == "a" }?.state == "blocked")
    }

    @Test func afterALostSessionWhatIsOverIsNotSentAgain() {
        var script = script()
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "x", 4: "z"]), lastValue: 4)
        script.ends("a", 2)
        script.give(.sessionsLost)
        // The flight of 1 ends without an answer, that of 4 well, both after the sessions are gone.
        script.give(.deliveryEnded(sink: "a", flight: 1))
        script.ends("a", 3)
        #expect(script.machine.unsettled.map(\.id) == [2, 4])
        script.give(.sessionsOpened(OpenedSessions(sinks: [a], keepsLanes: true)))
        script.give(.swept(SweptState(sinks: [a], owed: [])))
        script.claimed(script.batch(keys: [1: "x", 2: "y", 3: "x", 4: "z", 5: "y"]), lastValue: 5)
        #expect(script.flights("a") == [.flight(1, of: 1), .flight(2, of: 5)])
        script.ends("a", 1)
        #expect(script.flights("a") == [.flight(1, of: 3)])
        script.ends("a", 1)
        script.ends("a", 2)
        #expect(script.settled == [1, 2, 3, 4, 5])
    }

    /// All of the window was over before the next tenure: it is read again, and settled.
    @Test func aWindowThatIsOverIsReadAgain() {
        var script = script { $0.window = 2 }
        script.claimed(script.batch(keys: [1: "x", 2: "y"]), lastValue: 2)
        script.ends("a", 2)
        script.give(.sessionsLost)
        script.ends("a", 1)
        let behind = SinkRegistration(name: "b", cursor: 5, isEarned: true)
        script.give(
            .sessionsOpened(OpenedSessions(sinks: [a, behind], keepsLanes: true, publishedAboveCursors: true)))
        script.give(.swept(SweptState(sinks: [a, behind], owed: [])))
        let reads = script.lastRead("a") == 0
        #expect(reads)
        script.give(.rowsRead(sink: "a", script.batch(keys: [1: "x", 2: "y"]), reachedEnd: true))
        #expect(script.everSent("a") == [1, 2])
        script.findsNothing()
        #expect(script.lastSettle?.first?.done == [1, 2])
    }

    @Test func nothingStartsBesideFlightsOfAnEarlierRegistration() {
        var script = script()
        script.claimed(script.batch(keys: [1: "x", 2: "y"]), lastValue: 2)
        let moved = SinkRegistration(name: "a", generation: 2)
        script.give(.sinksChanged)
        script.now = 1000
        script.give(.tick)
        #expect(script.settle != nil)
        script.give(.settled(SettledState(sinks: [moved])))
        #expect(script.effects.contains(.cancelDelivery(sink: "a")))
        script.give(.answered(sink: "a", flight: 1, count: 1, .delivered))
        script.give(.deliveryEnded(sink: "a", flight: 1))
        #expect(script.machine.unsettled.isEmpty)
        script.give(.rowsRead(sink: "a", script.batch(keys: [1: "x", 2: "y"]), reachedEnd: true))
        #expect(script.flights("a").isEmpty)
        #expect(script.read == nil)
        script.give(.deliveryEnded(sink: "a", flight: 2))
        #expect(script.read?.after == 0)
    }

    @Test func aDownedSinkIsTriedByAllKeysOnceOneSucceeds() {
        var script = RelayScript(
            lanes: [
                "a": LanePolicy(
                    order: .key(concurrency: 4, batch: 1), retry: RetryPolicy(base: 100, maximum: 100))
            ])
        script.lead([a])
        script.claimed(script.batch(keys: [1: "x", 2: "y"]), lastValue: 2)
        for flight in 1...2 {
            let after: Duration = flight == 1 ? .seconds(1) : .seconds(60)
            script.give(.answered(sink: "a", flight: flight, count: 1, .retry(after: after, reason: "down")))
            script.give(.deliveryEnded(sink: "a", flight: flight))
        }
        script.now = 1000
        script.give(.tick)
        #expect(script.flights("a") == [.flight(1, of: 1)])
        script.give(.answered(sink: "a", flight: 1, count: 1, .delivered))
        #expect(script.flights("a") == [.flight(2, of: 2)])
    }

    @Test func aLostConnectionCutsNoDeliveryShort() {
        var script = script()
        script.claimed(script.batch(keys: [1: "x", 2: "y"]), lastValue: 2)
        script.give(.sessionsLost)
        script.give(.sessionsOpened(OpenedSessions(sinks: [a], keepsLanes: true)))
        #expect(!script.effects.contains(.cancelDelivery(sink: "a")))
    }

    @Test func aStopSettlesWhatIsDeliveredAfterIt() {
        var script = script()
        script.claimed(script.batch(keys: [1: "x", 2: "y"]), lastValue: 2)
        script.give(.stop)
        script.ends("a", 2)
        #expect(script.end == nil)
        script.ends("a", 1)
        #expect(script.lastSettle?.first?.done == [1, 2])
        #expect(script.end == nil)
    }

    /// The rows that have left its queue are its own still: a read goes on above them.
    @Test func aLaneThatLeavesTheTailReadsOnBehindItsWindow() {
        var script = RelayScript(
            ["a", "b"], lanes: ["a": LanePolicy(order: .key(concurrency: 1, batch: 1), retry: steady)]
        ) { $0.memory = 4 }
        script.lead([a, SinkRegistration(name: "b")])
        script.scanned(3)
        script.claimed(script.batch(keys: [1: "x", 2: "y"]), lastValue: 3)
        #expect(script.flights("a") == [.flight(1, of: 1)])
        script.delivers("b", 2)
        script.now = 1000
        script.give(.tick)
        let half = SinkRegistration(name: "b", cursor: 2, isEarned: true)
        script.give(.settled(SettledState(sinks: [a, half])))
        script.claimed(script.batch(keys: [3: "x"]), lastValue: 3)
        script.delivers("b", 1)
        #expect(script.machine.summary.contains("a reading"))
        #expect(script.lastRead("a") == 2)
    }

    @Test func anEventBelowTheParkedOneIsNotBehindIt() {
        var script = RelayScript(
            lanes: ["a": LanePolicy(order: .key(concurrency: 4, batch: 1), onReject: .parkKey, retry: steady)])
        // Somebody has set the cursor back below a parked event.
        script.give(.sessionsOpened(OpenedSessions(sinks: [a], parkedKeys: ["a": [EventKey("x"): 2]])))
        script.give(.swept(SweptState(sinks: [a], owed: [])))
        script.claimed(script.batch(keys: [1: "x", 2: "x", 3: "x"]), lastValue: 3)
        #expect(script.flights("a") == [.flight(1, of: 1)])
        script.ends("a", 1)
        #expect(script.flights("a") == [.flight(1, of: 2)])
        script.ends("a", 1)
        #expect(script.everSent("a") == [1, 2])
    }

    @Test func aClosedOnlySinkEndsTheRelay() {
        var script = script()
        script.claimed(script.batch(keys: [1: "x", 2: "x"]), lastValue: 2)
        script.give(.answered(sink: "a", flight: 1, count: 1, .closed(reason: "broken pipe")))
        script.give(.deliveryEnded(sink: "a", flight: 1))
        #expect(script.end == .sinkClosed("a"))
    }

    /// An owed row travels beside the others, and what becomes of it is its own matter.
    @Test func aLateRowThatIsRejectedHoldsNobodyUp() {
        var script = RelayScript(
            lanes: ["a": LanePolicy(order: .key(concurrency: 4, batch: 1), retry: RetryPolicy(base: 10, maximum: 1000))]
        )
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: [OwedEntry(sink: "a", id: 3)])))
        script.give(.owedRowsRead(sink: "a", script.batch(keys: [3: "x"])))
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        #expect(script.effects.contains(.note(.rejected(sink: "a", id: 3, reason: "no", isParked: false))))
        script.give(.deliveryEnded(sink: "a"))
        script.give(.swept(SweptState(sinks: [stored], owed: [OwedEntry(sink: "a", id: 3)])))
        #expect(script.machine.status(mode: "poll", orderHold: nil).sinks.first { $0.name == "a" }?.state == "blocked")
        script.claimed(script.batch(keys: [6: "y", 7: "z"]), lastValue: 7)
        #expect(script.flights("a") == [.flight(1, of: 6), .flight(2, of: 7)])
        script.ends("a", 1)
        // It is not asked for again before its time, however well the others fare.
        #expect(!script.effects.contains(.readOwed(sink: "a", ids: [3])))
        #expect(!script.effects.contains(.note(.recovered(sink: "a"))))
        script.now = 1000
        script.give(.tick)
        #expect(script.effects.contains(.readOwed(sink: "a", ids: [3])))
        // Somebody has deleted it.
        script.give(.owedRowsRead(sink: "a", RowBatch(token: nil, ids: [])))
        #expect(script.machine.status(mode: "poll", orderHold: nil).sinks.first { $0.name == "a" }?.state == "live")
    }
}
