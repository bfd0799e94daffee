import RelayCore
import Testing

/// Rows that sinks hold in memory, and those who need the room.
@Suite struct MemoryTests {
    private let names = ["a", "b", "c", "d"]

    private func script() -> RelayScript {
        var script = RelayScript(names) {
            $0.memory = 16
            $0.retry = RetryPolicy(base: 0, maximum: 0)
        }
        script.lead(names.map { SinkRegistration(name: $0) })
        script.scanned(100)
        return script
    }

    /// A row of so many bytes.
    private func row(_ id: Int64, _ bytes: Int, _ script: inout RelayScript) -> RowBatch {
        var batch = script.batch(id)
        batch.bytes = bytes
        return batch
    }

    /// The only one that answers takes its event.
    private func deliver(_ sink: String, _ script: inout RelayScript) {
        script.delivers(sink, 1)
        script.now += 1000
        script.give(.tick)
        if let lanes = script.lastSettle {
            let sinks = lanes.map { SinkRegistration(name: $0.sink, cursor: $0.done.last ?? 0, isEarned: true) }
            script.give(.settled(SettledState(sinks: sinks)))
        }
    }

    /// One row that takes more than half of all memory is with three sinks that do not answer.
    @Test func aHugeRowThatIsHeldKeepsNobodyFromTheTail() {
        var script = script()
        script.claimed(row(1, 9, &script), lastValue: 100)
        deliver("d", &script)
        let claims = script.everClaimed(after: 1)
        #expect(claims)
    }

    /// Sinks that are down read the table, and hold what they read for as long as they do not answer.
    @Test func whatLanesOffTheTailHoldKeepsNobodyFromIt() {
        var script = script()
        script.claimed(row(1, 3, &script), lastValue: 100)
        deliver("d", &script)
        for sink in ["a", "b", "c"] {
            script.give(.answered(sink: sink, count: 1, .retry(after: nil, reason: "down")))
            script.give(.deliveryEnded(sink: sink))
        }
        for sink in ["a", "b", "c"] {
            script.give(.rowsRead(sink: sink, row(1, 3, &script), reachedEnd: false))
        }
        script.claimed(row(2, 3, &script), lastValue: 100)
        deliver("d", &script)
        let claims = script.everClaimed(after: 2)
        #expect(claims)
        #expect(script.machine.bytesInMemory <= 16)
    }

    @Test func whatIsOverBehindAWaitingKeyIsNotKept() {
        let a = SinkRegistration(name: "a")
        var script = RelayScript(lanes: ["a": LanePolicy(order: .key(concurrency: 4, batch: 1))])
        script.lead([a])
        script.claimed(script.batch(keys: [1: "x"]), lastValue: 2)
        script.now = 1000
        script.give(.tick)
        script.claimed(script.batch(keys: [2: "y"]), lastValue: 2)
        #expect(script.machine.batchesInMemory == 2)
        script.ends("a", 2)
        #expect(script.machine.batchesInMemory == 1)
        #expect(script.machine.unsettled.map(\.id) == [1, 2])
    }
}
