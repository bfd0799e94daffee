import RelayCore
import RelayTestKit

/// The promises that need no fault.
extension Trial {
    func arrivesInOrder() async throws {
        var lane = try await openedLane()
        let batch = try events(1...600)
        try await lane.drain(batch, 0..<1, size: 1)
        try await lane.drain(batch, 1..<300, size: 7)
        try await lane.drain(batch, 300..<600, size: 300)
        try await verifyArrivals(of: lane, expecting: Array(1...600))
    }

    func takesLateEvents() async throws {
        var lane = try await openedLane()
        try await lane.drain(events(100...200))
        try await lane.drain(events(1...30))
        try await lane.drain(events(201...300))
        try await verifyArrivals(of: lane, expecting: Array(100...200) + Array(1...30) + Array(201...300))
    }

    func goesOnAfterClosing() async throws {
        var lane = try await openedLane()
        let batch = try events(1...300)
        try await lane.drain(batch, 0..<100)
        await lane.sink.close()
        let closed = await lane.sink.answers(to: BareLane.delivery(batch, 100..<150))
        guard try lane.take(closed, batch, 100..<150) == 0, lane.outages == 1 else {
            throw KitFailure("a closed sink answered \(closed.all)")
        }
        await lane.sink.close()
        try await open(lane.sink)
        try await lane.drain(batch, 100..<200)
        // Opened once more, as a relay does that leads again; and then another in its place.
        try await open(lane.sink)
        try await lane.drain(batch, 200..<250)
        await lane.sink.close()
        lane = lane.going(on: try await openedLane().sink)
        try await lane.drain(batch, 250..<300)
        try await verifyArrivals(of: lane, expecting: Array(1...300))
    }

    func mayBeCancelledAtAnyMoment() async throws {
        var lane = try await openedLane()
        let batch = try events(1...400)
        var rest = 0..<400
        for turn in 0..<60 where !rest.isEmpty {
            let part = rest.prefix(40)
            let (sink, answers) = (lane.sink, Answers())
            let task = Task { await sink.deliver(BareLane.delivery(batch, part), to: answers) }
            for _ in 0..<turn { await Task.yield() }
            task.cancel()
            try await promptly("a cancelled delivery") { await task.value }
            rest = rest.dropFirst(try lane.take(answers, batch, part))
        }
        try await verifyTruth(of: lane)
        try await lane.drain(batch, rest)
        try await verifyArrivals(of: lane, expecting: Array(1...400), repeatable: lane.inDoubt)
    }
}
