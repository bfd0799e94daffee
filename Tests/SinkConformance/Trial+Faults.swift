import RelayCore
import RelayTestKit

/// The promises of a sink whose far side fails or refuses.
extension Trial {
    func survivesAnOutage() async throws {
        var lane = try await openedLane()
        let batch = try events(1...300)
        try await lane.drain(batch, 0..<100)
        try await underTest.inject(.outage)
        try await lane.drain(batch, 100..<300) { outages in
            if outages == 5 { try await self.underTest.inject(nil) }
        }
        guard lane.outages >= 5 else { throw KitFailure("an outage was answered for \(lane.outages) times, not 5") }
        try await verifyArrivals(of: lane, expecting: Array(1...300))
    }

    func survivesOutagesAtAnyMoment() async throws {
        var lane = try await openedLane()
        let batch = try events(1...1000)
        var (start, turn) = (0, 0)
        while start < 1000 {
            let part = start..<min(start + 50, 1000)
            let (sink, answers) = (lane.sink, Answers())
            let delivering = Task { await sink.deliver(BareLane.delivery(batch, part), to: answers) }
            for _ in 0..<turn % 17 { await Task.yield() }
            // The far side is out in every other turn, for the rest of this delivery.
            if turn % 2 == 0 { try await underTest.inject(.outage) }
            await delivering.value
            try await underTest.inject(nil)
            start += try lane.take(answers, batch, part)
            turn += 1
            if turn > 2000 { throw KitFailure("no progress behind event \(start)") }
        }
        try await verifyArrivals(of: lane, expecting: Array(1...1000), repeatable: lane.inDoubt)
    }

    func namesTheRejectedEvent() async throws {
        var lane = try await openedLane()
        let batch = try events(1...60)
        try await underTest.inject(.reject)
        try await lane.drain(batch, size: 20)
        var expected = Array(Int64(1)...60)
        expected.removeAll { $0 == SinkFault.rejectedID }
        try await verifyArrivals(
            of: lane, expecting: expected, repeatable: lane.inDoubt, rejected: [SinkFault.rejectedID])
    }

    func survivesALostAnswer() async throws {
        var lane = try await openedLane()
        let batch = try events(1...300)
        var repeatable: Set<Int64> = []
        for start in stride(from: 0, to: 300, by: 100) {
            try await underTest.inject(.failAfterWrite)
            let before = lane.inDoubt
            try await lane.drain(batch, start..<start + 100, size: 40)
            repeatable.formUnion(lane.inDoubt.subtracting(before))
        }
        guard lane.outages >= 3 else { throw KitFailure("three answers were lost, and \(lane.outages) outages told") }
        try await verifyArrivals(of: lane, expecting: Array(1...300), repeatable: repeatable)
    }

    func waitsForTheAnswer() async throws {
        var lane = try await openedLane()
        let batch = try events(1...300)
        try await lane.drain(batch, 0..<50)
        try await underTest.inject(.holdResponse)
        let (sink, answers) = (lane.sink, Answers())
        let delivering = Task { await sink.deliver(BareLane.delivery(batch, 50..<250), to: answers) }
        try await eventually("the far side holds") { try await underTest.isHolding() }
        guard answers.delivered < 200 else { throw KitFailure("all is answered for, though the far side holds") }
        try await underTest.inject(nil)
        // What is left goes to the far side now, perhaps in two hundred requests.
        try await promptly("a delivery that was held", within: .seconds(60)) { await delivering.value }
        _ = try lane.take(answers, batch, 50..<250)
        guard lane.delivered.count == 250 else { throw KitFailure("held, and then answered \(answers.all)") }
        try await lane.drain(batch, 250..<300)
        try await verifyArrivals(of: lane, expecting: Array(1...300))
    }

    func returnsWhenCancelled() async throws {
        var lane = try await openedLane()
        let batch = try events(1...500)
        for start in [0, 200] {
            try await underTest.inject(.holdResponse)
            let part = start..<start + 200
            let (sink, answers) = (lane.sink, Answers())
            let delivering = Task { await sink.deliver(BareLane.delivery(batch, part), to: answers) }
            try await eventually("the far side holds") { try await underTest.isHolding() }
            delivering.cancel()
            try await promptly("a cancelled delivery") { await delivering.value }
            let done = try lane.take(answers, batch, part)
            guard answers.failures.isEmpty else { throw KitFailure("cancelled, it answered \(answers.all)") }
            // The second time the sink is closed while its far side still holds: a relay that ends.
            if start > 0 { try await promptly("closing") { await sink.close() } }
            try await underTest.inject(nil)
            if start > 0 { try await open(sink) }
            try await verifyTruth(of: lane)
            try await lane.drain(batch, start + done..<start + 200)
        }
        try await lane.drain(batch, 400..<500)
        try await verifyArrivals(of: lane, expecting: Array(1...500), repeatable: lane.inDoubt)
    }

    func bearsASlowFarSide() async throws {
        var lane = try await openedLane()
        let batch = try events(1...60)
        try await underTest.inject(.respondSlowly)
        try await lane.drain(batch, size: 20)
        try await verifyArrivals(of: lane, expecting: Array(1...60))
    }
}
