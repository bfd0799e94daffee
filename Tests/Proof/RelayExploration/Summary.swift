import RelayCore

extension State {
    /// The state in a few lines, for whoever reads a schedule.
    var summary: String {
        var lines = [
            "last value \(world.lastValue), unpublished \(world.unpublished.ids), published \(world.published.ids)"
                + ", late rows \(world.lateRows.ids), absent \(world.absent.ranges.map { "\($0.first)-\($0.last)" })"
                + ", locked \(world.locked.ids)"
        ]
        for producer in world.producers { lines.append("producer \(producer.phase) \(producer.ids.ids)") }
        for sink in world.sinks { lines.append("stored \(sink.name): cursor \(sink.cursor), earned \(sink.isEarned)") }
        for entry in world.owed { lines.append("owed \(entry.id) to \(entry.sink), delivered \(entry.isDelivered)") }
        for side in world.sides {
            let flights = side.deliveries.map { "\($0.flight): \($0.ids)" }.joined(separator: ", ")
            lines.append("sink \(side.name): has \(side.given.ids), with it \(flights.isEmpty ? "nothing" : flights)")
        }
        for entry in world.parked {
            lines.append(
                "parked \(entry.id) for \(entry.sink), behind \(entry.isBehind), requested \(entry.isRequested)")
        }
        lines.append("scan \(world.scan), work \(world.work.map { "\($0)" } ?? "none"), slot \(world.slot)")
        for read in world.reads { lines.append("read \(read)") }
        lines.append("reads the tail: \(world.tailRead.map { "\($0)" } ?? "no"), rings \(world.queue)")
        if let machine { lines.append((isFrozen ? "FROZEN, unread \(unread.count): " : "") + machine.summary) }
        if let bystander {
            let flights = bystander.flights.flatMap { $0 }.map { "\($0.flight): \($0.ids)" }
            lines.append(
                "the other \(bystander.isFrozen ? "frozen" : "awake"), unread \(bystander.unread), with sinks \(flights)"
            )
            if let machine = bystander.machine { lines.append(machine.summary) }
        }
        return lines.joined(separator: "\n      ")
    }
}
