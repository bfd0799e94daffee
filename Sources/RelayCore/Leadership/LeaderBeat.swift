/// What a relay looks at with every beat, as leader and as standby.
package struct LeaderBeat: Hashable, Sendable {
    package struct StoredCursor: Hashable, Sendable {
        package var generation: Int64
        package var cursor: Int64

        package init(generation: Int64, cursor: Int64) {
            self.generation = generation
            self.cursor = cursor
        }
    }

    package var epoch: Int64
    /// Why nobody may deliver.
    package var stoppedReason: String?
    /// The highest id that was drawn from the sequence.
    package var lastValue: Int64
    /// What of the sequence's settings breaks the proof that an id is closed, as a sentence.
    package var brokenSequence: String?
    package var sinks: [String: StoredCursor]
    /// Somebody wants parked events tried again or discarded.
    package var parkedIsRequested: Bool

    package init(
        epoch: Int64, stoppedReason: String?, lastValue: Int64, brokenSequence: String?,
        sinks: [String: StoredCursor], parkedIsRequested: Bool = false
    ) {
        self.epoch = epoch
        self.stoppedReason = stoppedReason
        self.lastValue = lastValue
        self.brokenSequence = brokenSequence
        self.sinks = sinks
        self.parkedIsRequested = parkedIsRequested
    }
}
