/// Rows for the sink, by the number of their flight.
package struct LaneDelivery: Hashable, Sendable {
    package var flight: Int
    package var slices: [RowSlice]
}

/// How much a lane may be given: see ``RelayMachine``'s `+Memory`.
struct LaneRoom {
    /// Rows handed to the sink and not settled.
    var window: Int
    /// Bytes that the lane may keep in memory from the others.
    var bytes: Int
    /// The batches in memory.
    var memory: BatchMemory
}
