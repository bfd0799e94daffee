extension RelayMachine {
    /// The same machine with its clock set back to 0 and its counters folded: whatever it is given from now on, it does
    /// what this one would do. So two that differ only in how long they have run are one, and an exploration ends.
    ///
    /// - Parameter now: milliseconds, on the clock that the inputs so far were given.
    package func normalized(at now: Int64) -> RelayMachine {
        var result = self
        result.foldClock(now)
        result.foldCounters()
        return result
    }

    /// Whether everything that is committed rings.
    package var ringsForAll: Bool { tenure?.source.stream?.bell.ringsForAll ?? false }
    /// Announced ids are waited for.
    package var waitsForAnnounced: Bool { tenure?.source.stream?.bell.standing?.waiting.isEmpty == false }
    /// Whether the stream is wanted.
    package var usesStream: Bool { policy.usesStream }

    /// Bytes of all batches in memory.
    package var bytesInMemory: Int { batchMemory.bytes }

    /// Under which registration a sink's lane runs.
    package func generation(of sink: String) -> Int64? {
        lanes.first { $0.name == sink }?.registration.generation
    }

    /// How many batches are held in memory.
    package var batchesInMemory: Int { batchMemory.count }

    /// Whether the batch is in memory.
    package func keeps(_ token: BatchToken) -> Bool { batchMemory.contains(token) }

    /// The state in a few words, for whoever reads a schedule.
    package var summary: String {
        let lanes = lanes.map { lane in
            "\(lane.name) \(lane.place) at \(lane.position), queue \(lane.queue.slices.flatMap(\.ids))"
                + ", in flight \(lane.inFlight?.slices.flatMap(\.ids) ?? []), done \(lane.done.map(\.id))"
                + (lane.keyed.map { ", window \($0.summary)" } ?? "")
                + (lane.parkedKeys.isEmpty ? "" : ", parked keys \(lane.parkedKeys.values.sorted())")
                + ", owed \(lane.owed), \(lane.health), reads from \(lane.awaitedRows?.after ?? -1)"
        }
        return "tail \(tail.position), closed \(tail.horizon.closedThrough), ordered \(tail.orderedThrough), "
            + (tenure?.summary ?? "no tenure") + "; " + lanes.joined(separator: "; ")
    }

    private mutating func foldClock(_ now: Int64) {
        func fold(_ time: inout Int64) {
            if time < Int64.max { time = max(0, time - now) }
        }
        settlements.foldClock(now)
        tenure?.fold(clock: now, stamp: stamp)
        for index in lanes.indices {
            fold(&lanes[index].nextRead)
            fold(&lanes[index].nextOwedRead)
            fold(&lanes[index].nextParkedRead)
            fold(&lanes[index].nextParking)
            lanes[index].keyed?.foldClock(now)
            lanes[index].outOfTurn?.foldClock(now)
            lanes[index].health.foldClock(now)
        }
    }

    private mutating func foldCounters() {
        random.state = 0
        stamp = 0
    }
}
