/// Rows below a lane's cursor that its sink has not had: they turned up late, or could not be settled.
package struct OwedToLane: Hashable, Sendable {
    /// Those that the lane is not done with; the lowest, where there are many.
    package private(set) var waiting: Set<Int64> = []
    /// Those that it is done with (delivered, parked, passed or gone), and no settlement has written it.
    package private(set) var done: Set<Int64> = []
    /// More is owed than this tells, or may be: nobody has looked yet.
    package private(set) var isMore = true
    /// Those that were delivered, as a settlement has written, but could not move: tried again now and then.
    package private(set) var stuck: Set<Int64> = []
    /// There are more of them than `stuck` tells.
    package private(set) var isStuckMore = false

    package var count: Int { waiting.count + done.count }
    func contains(_ id: Int64) -> Bool { waiting.contains(id) || done.contains(id) }
    package var isEmpty: Bool { waiting.isEmpty && done.isEmpty }

    /// All that was taken on is settled, and there is more.
    var lacksMore: Bool { isMore && isEmpty }

    /// There is more, and there is room for it: rows that cannot be read, or moved, do not keep others waiting.
    var hasRoom: Bool { isMore && count < OwedPortion.limit || isStuckMore && stuck.count < OwedPortion.limit }

    /// The lane is done with a row.
    mutating func finish(_ id: Int64) {
        waiting.remove(id)
        done.insert(id)
    }

    /// What is owed as the table has it; what the lane is done with and no settlement has written stays so.
    package mutating func refresh(_ portion: OwedPortion) {
        let end = portion.isPart ? portion.waiting.last : nil
        let stored = Set(portion.waiting)
        waiting = stored.subtracting(done)
        done = done.filter { id in stored.contains(id) || end.map { id > $0 } ?? false }
        stuck = Set(portion.delivered)
        isStuckMore = portion.delivered.count >= OwedPortion.limit
        isMore = portion.isPart
    }

    /// A settlement has written what became of these rows, and what is owed since.
    mutating func settled(_ state: SettledState, of sink: String) {
        for entry in state.removed where entry.sink == sink {
            forget(entry.id)
            stuck.remove(entry.id)
        }
        for entry in state.entered where entry.sink == sink {
            if entry.isDelivered {
                forget(entry.id)
                if stuck.count < OwedPortion.limit { stuck.insert(entry.id) } else { isStuckMore = true }
            } else if count < OwedPortion.limit {
                if !done.contains(entry.id) { waiting.insert(entry.id) }
            } else {
                isMore = true
            }
        }
    }

    private mutating func forget(_ id: Int64) {
        waiting.remove(id)
        done.remove(id)
    }
}
