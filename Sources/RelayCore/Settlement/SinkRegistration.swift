/// A sink as its row in `outbox_sink` says.
package struct SinkRegistration: Hashable, Sendable {
    /// Where a sink begins whose start is not fixed yet; until then it counts as lacking everything.
    package enum Start: String, Hashable, Sendable {
        case oldest, latest
    }

    package var name: String
    /// Every administrator's write starts a new one.
    package var generation: Int64
    /// The id of a committed row, or 0: at or below it everything is delivered, passed, ranged as absent or owed.
    package var cursor: Int64
    /// The cursor was reached by delivery. One that was set proves nothing about lower ids.
    package var isEarned: Bool
    /// Not nil: the start is not fixed yet.
    package var start: Start?
    /// Rows up to here are passed without being delivered.
    package var passThrough: Int64?
    /// Passes everything, and goes once it is level with the highest cursor and owed nothing.
    package var isRemoving: Bool

    package init(
        name: String, generation: Int64 = 1, cursor: Int64 = 0, isEarned: Bool = false, start: Start? = nil,
        passThrough: Int64? = nil, isRemoving: Bool = false
    ) {
        self.name = name
        self.generation = generation
        self.cursor = cursor
        self.isEarned = isEarned
        // A cursor given by hand is a start that somebody fixed.
        self.start = cursor == 0 ? start : nil
        self.passThrough = passThrough
        self.isRemoving = isRemoving
    }

    package var isFixed: Bool { start == nil }
}

extension [SinkRegistration] {
    /// The span in which cursors differ: ranges of absent ids are kept above `low`, up to `high`.
    package var cursorSpan: (low: Int64, high: Int64) {
        let cursors = map { $0.isFixed ? $0.cursor : 0 }
        return (cursors.min() ?? 0, Swift.max(0, cursors.max() ?? 0))
    }

    /// The highest stored cursor that was reached by delivery; 0 if there is none.
    package var earnedCursor: Int64 {
        reduce(0) { $1.isFixed && $1.isEarned ? Swift.max($0, $1.cursor) : $0 }
    }
}
