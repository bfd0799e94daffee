/// The reads of the table that may be under way for a lane: one of each at most.
package enum LaneRead: Hashable, Sendable {
    /// Its next rows.
    case rows
    /// Rows that it is owed.
    case owed
    /// Parked events that somebody wants tried again.
    case parked
}
