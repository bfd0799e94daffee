/// What the relay that is to run needs of its database beyond the outbox itself, by its options.
package struct RelayNeeds: Sendable, Hashable {
    /// Whether it is to run in WAL mode.
    package var isStreaming: Bool
    /// Bytes of WAL that it lets its slot hold.
    package var maxSlotWAL: Int
    /// Whether it delivers in the order of ids, by cursors of registered sinks.
    package var isOrdered: Bool
    /// The names of the sinks that it is to serve.
    package var sinks: [String]
    /// Whether it is to delete what was published.
    package var purges: Bool

    package init(
        isStreaming: Bool = false, maxSlotWAL: Int = 1 << 30, isOrdered: Bool = true, sinks: [String] = [],
        purges: Bool = false
    ) {
        self.isStreaming = isStreaming
        self.maxSlotWAL = maxSlotWAL
        self.isOrdered = isOrdered
        self.sinks = sinks
        self.purges = purges
    }
}
