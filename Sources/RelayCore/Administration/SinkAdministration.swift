/// Where a sink is to begin or go on: `--from` and `--to`.
package enum SinkPlace: Hashable, Sendable {
    /// At the oldest unpublished event.
    case oldest
    /// Behind the highest committed event.
    case latest
    /// At the first event that is still kept.
    case beginning
    /// At the first event with this id or a higher one.
    case id(Int64)
}

/// What an administrator asks for.
package enum SinkRequest: Hashable, Sendable {
    case add(name: String, from: SinkPlace)
    case move(name: String, to: SinkPlace)
    case remove(name: String)

    package var name: String {
        switch self {
        case .add(let name, _), .move(let name, _), .remove(let name): name
        }
    }
}

/// What is read for it, in the transaction that writes, once `outbox_sink` is locked.
package struct SinkAdministrationFacts: Hashable, Sendable {
    package var sinks: [SinkRegistration]
    /// The highest committed row that lies below the place asked for, in either leaf; 0 if there is none.
    package var goal: Int64
    /// The highest committed row in either leaf; 0 if there is none.
    package var highestRow: Int64
    /// The lowest row of the unpublished leaf.
    package var oldestUnpublished: Int64?
    /// The highest committed row below `oldestUnpublished`, in either leaf; 0 if there is none.
    package var rowBelowOldest: Int64

    package init(
        sinks: [SinkRegistration], goal: Int64 = 0, highestRow: Int64 = 0, oldestUnpublished: Int64? = nil,
        rowBelowOldest: Int64 = 0
    ) {
        self.sinks = sinks
        self.goal = goal
        self.highestRow = highestRow
        self.oldestUnpublished = oldestUnpublished
        self.rowBelowOldest = rowBelowOldest
    }
}

/// Why a request cannot be granted.
package enum SinkAdministrationRefusal: Error, Hashable, Sendable {
    case alreadyRegistered
    case notRegistered
    /// The sink is on its way out: it goes once it has passed what the others have.
    case stillBeingRemoved
    /// No event has such an id yet; the highest is given.
    case aboveHighest(Int64)
}

/// What a request writes.
///
/// No cursor jumps forward, and a cursor that is set proves nothing about lower ids. So a sink that
/// is to begin above the others begins with the lowest of them and passes what lies between without delivering it, and
/// one that is removed passes everything until it is level with the highest.
package struct SinkAdministration: Hashable, Sendable {
    /// The sink's row as it is to be; its generation is drawn by the database. `nil`: nothing is written but
    /// ``deleted``.
    package private(set) var written: SinkRegistration?
    /// Sinks that go at once, with what is owed to them.
    package private(set) var deleted: [String] = []
    /// What becomes of the ranges.
    package private(set) var ranges: RangesChange
    private var after: [SinkRegistration]

    /// Decides, or says why not.
    package init(
        _ request: SinkRequest, _ facts: SinkAdministrationFacts
    ) throws(SinkAdministrationRefusal) {
        after = facts.sinks
        ranges = RangesChange(from: facts.sinks, to: facts.sinks)
        let standing = facts.sinks.first { $0.name == request.name }
        if standing?.isRemoving == true { throw .stillBeingRemoved }
        switch request {
        case .add(let name, let place):
            guard standing == nil else { throw .alreadyRegistered }
            try begin(SinkRegistration(name: name), at: place, facts)
        case .move(_, let place):
            guard let standing else { throw .notRegistered }
            if standing.isFixed {
                try move(standing, to: place, facts)
            } else {
                try begin(standing, at: place, facts)
            }
        case .remove:
            guard let standing else { throw .notRegistered }
            remove(standing, facts)
        }
        ranges = RangesChange(from: facts.sinks, to: after)
    }
}

extension SinkAdministration {
    /// A sink that has no place yet. The leader fixes `oldest` and `latest`; until then the sink counts as cursor 0.
    private mutating func begin(
        _ sink: SinkRegistration, at place: SinkPlace, _ facts: SinkAdministrationFacts
    ) throws(SinkAdministrationRefusal) {
        var sink = sink
        sink.cursor = 0
        sink.isEarned = false
        sink.start = nil
        sink.passThrough = nil
        switch place {
        case .oldest: sink.start = .oldest
        case .latest: sink.start = .latest
        case .beginning, .id:
            let goal = try goal(place, facts)
            var first = goal
            for other in facts.sinks where other.name != sink.name {
                first = min(first, other.isFixed ? other.cursor : 0)
            }
            if let oldest = facts.oldestUnpublished, oldest <= first { first = facts.rowBelowOldest }
            sink.cursor = first
            if first < goal { sink.passThrough = goal }
        }
        write(sink)
    }

    /// Back: the cursor is set and proves nothing any more. Forward: it stays, and what lies between is passed.
    private mutating func move(
        _ sink: SinkRegistration, to place: SinkPlace, _ facts: SinkAdministrationFacts
    ) throws(SinkAdministrationRefusal) {
        let goal = try goal(place, facts)
        var sink = sink
        if goal < sink.cursor {
            sink.cursor = goal
            sink.isEarned = false
            sink.passThrough = nil
        } else {
            sink.passThrough = goal > sink.cursor ? goal : nil
        }
        write(sink)
    }

    private mutating func remove(_ sink: SinkRegistration, _ facts: SinkAdministrationFacts) {
        guard facts.sinks.contains(where: { $0.name != sink.name && !$0.isRemoving }) else {
            // Nobody is past anything any more, so there is nothing left to be passed for.
            deleted = [sink.name] + facts.sinks.filter(\.isRemoving).map(\.name)
            after = []
            return
        }
        var sink = sink
        sink.isRemoving = true
        sink.isEarned = false
        sink.start = nil
        sink.passThrough = nil
        write(sink)
    }

    private func goal(
        _ place: SinkPlace, _ facts: SinkAdministrationFacts
    ) throws(SinkAdministrationRefusal) -> Int64 {
        switch place {
        case .beginning: return 0
        case .oldest: return facts.oldestUnpublished == nil ? facts.highestRow : facts.rowBelowOldest
        case .latest: return facts.highestRow
        case .id(let id):
            guard id <= facts.highestRow || id - 1 == facts.highestRow else { throw .aboveHighest(facts.highestRow) }
            return facts.goal
        }
    }

    private mutating func write(_ sink: SinkRegistration) {
        written = sink
        after.removeAll { $0.name == sink.name }
        after.append(sink)
    }
}
