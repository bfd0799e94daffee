import RelayCore
import Testing

/// Events that an operator wants parked, so that what is blocked goes on.
@Suite struct ParkRequestTests {
    private let a = SinkRegistration(name: "a")

    private func swept(_ ids: Int64..., owed: [OwedEntry] = [], cursor: Int64 = 0) -> RelayInput {
        let stored = SinkRegistration(name: "a", cursor: cursor, isEarned: cursor > 0)
        return .swept(SweptState(sinks: [stored], owed: owed, parkRequests: ["a": ids]))
    }

    /// A lane that is at event 1, which its sink rejects.
    private func blocked(_ policy: LanePolicy = LanePolicy()) -> RelayScript {
        var script = RelayScript(lanes: ["a": policy])
        script.lead([a])
        script.claimed(script.batch(keys: [1: "x", 2: "x", 3: "y"]), lastValue: 3)
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a"))
        return script
    }

    /// Brings what the lane reads from the table, once it may.
    private func reads(_ script: inout RelayScript) {
        script.scanned(3)
        script.now += 1000
        script.give(.tick)
        script.give(.rowsRead(sink: "a", script.batch(keys: [1: "x", 2: "x", 3: "y"]), reachedEnd: true))
    }

    @Test func theEventThatBlocksALaneIsParkedAndTheLaneGoesOnAtOnce() {
        var script = blocked(LanePolicy(retry: RetryPolicy(base: 1_000_000, maximum: 1_000_000)))
        #expect(script.machine.status(mode: "poll", orderHold: nil).sinks.first { $0.name == "a" }?.state == "blocked")
        script.give(.operatorRequested)
        script.give(swept(1))
        #expect(script.machine.status(mode: "poll", orderHold: nil).sinks.first { $0.name == "a" }?.state != "blocked")
        reads(&script)
        #expect(script.everSent("a") == [1, 2, 3, 2, 3])
        #expect(script.lastSettle?.first?.done == [1])
        #expect(script.lastSettle?.first?.parked == [Parking(requested: 1)])
        script.delivers("a", 2)
        let settled = SinkRegistration(name: "a", cursor: 1, isEarned: true)
        script.give(.settled(SettledState(sinks: [settled])))
        script.now += 1000
        script.findsNothing()
        script.give(.tick)
        #expect(script.lastSettle?.first?.done == [2, 3])
        #expect(script.lastSettle?.first?.parked == [])
    }

    @Test func itsKeyIsParkedWhereThePolicySaysSo() {
        var script = RelayScript(lanes: ["a": LanePolicy(onReject: .parkKey)])
        script.lead([a])
        script.findsNothing()
        script.give(.operatorRequested)
        script.give(swept(1))
        script.now = 1000
        script.give(.tick)
        script.claimed(script.batch(keys: [1: "x", 2: "x", 3: "y"]), lastValue: 3)
        #expect(script.sent("a") == [3])
        script.delivers("a", 1)
        #expect(script.settle?.first?.parked == [Parking(requested: 1), Parking(id: 2, behind: 1)])
    }

    @Test func withOrderByKeyTheKeyIsFree() {
        var script = RelayScript(lanes: ["a": LanePolicy(order: .key(concurrency: 4, batch: 1))])
        script.lead([a])
        script.claimed(script.batch(keys: [1: "x", 2: "x", 3: "y"]), lastValue: 3)
        #expect(script.flights("a") == [.flight(1, of: 1), .flight(2, of: 3)])
        script.ends("a", 2)
        script.give(.answered(sink: "a", flight: 1, count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a", flight: 1))
        #expect(script.everSent("a") == [1, 3])
        script.now = 1000
        script.give(.tick)
        script.give(.operatorRequested)
        script.findsNothing()
        script.give(swept(1))
        #expect(script.everSent("a") == [1, 3, 2])
        #expect(script.flights("a") == [.flight(1, of: 2)])
        #expect(script.lastSettle?.first?.done == [1])
        #expect(script.lastSettle?.first?.parked == [Parking(requested: 1)])
        script.give(
            .settled(SettledState(sinks: [SinkRegistration(name: "a", cursor: 1, isEarned: true)])))
        script.ends("a", 1)
        script.now = 3000
        script.findsNothing()
        script.give(.tick)
        #expect(script.lastSettle?.first?.done == [2, 3])
        #expect(script.lastSettle?.first?.parked == [])
    }

    @Test func anOwedEventIsParkedWithoutBeingSent() {
        var script = RelayScript()
        let owed = [OwedEntry(sink: "a", id: 3)]
        let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored], owed: owed)))
        script.give(.owedRowsRead(sink: "a", script.batch(keys: [3: "x"])))
        script.give(.answered(sink: "a", count: 1, .rejected(reason: "no")))
        script.give(.deliveryEnded(sink: "a"))
        script.give(swept(3, owed: owed, cursor: 5))
        script.give(.owedRowsRead(sink: "a", script.batch(keys: [3: "x"])))
        #expect(script.everSent("a") == [3])
        script.now = 1000
        script.findsNothing()
        #expect(script.lastSettle?.first?.owedDone == [3])
        #expect(script.lastSettle?.first?.parked == [Parking(requested: 3)])
    }

    /// What a sink has got past is over: moved back, it is given the event again.
    @Test func aRequestDoesNotOutliveTheEvent() {
        var script = RelayScript()
        script.lead([a])
        script.findsNothing()
        script.give(.operatorRequested)
        script.give(swept(3, cursor: 5))
        let back = SinkRegistration(name: "a", generation: 2)
        script.give(.settled(SettledState(sinks: [back])))
        script.give(.swept(SweptState(sinks: [back], owed: [])))
        script.give(.sessionsLost)
        script.give(.sessionsOpened(OpenedSessions(sinks: [back])))
        script.give(.swept(SweptState(sinks: [back], owed: [])))
        script.claimed(script.batch(1, 2, 3), lastValue: 3)
        #expect(script.sent("a") == [1, 2, 3])
    }
}
