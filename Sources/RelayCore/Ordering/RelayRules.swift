/// The clauses of the ordering that an exploration turns off, one at a time, to see that it would notice.
///
/// The product runs by `sound` and nothing else: no option leads here.
package struct RelayRules: Hashable, Sendable {
    /// A newly seen holder may only have drawn above the last value of the *previous* scan. Off: of this one.
    package var floorIsPreviousScan = true
    /// No floor, holder or horizon outlives its session. Off: they are kept over a restart of the server.
    package var horizonEndsWithSession = true
    /// What is not there counts as absent only below a horizon known before the rows were read. Off: known now.
    package var absenceNeedsEarlierHorizon = true
    /// Transactions may have been flushed before the slot stood, and ring nobody. Off: nobody looks for them.
    package var standingIsUnheard = true
    /// Where an announcement finds no room, somebody must look without being called. Off: nobody does.
    package var overflowIsUnheard = true
    /// What is announced and not shown is asked for again. Off: once.
    package var missingIsAskedAgain = true
    /// What is announced at or below the tail asks the sweep. Off: it is forgotten.
    package var passedAsksSweep = true

    package static let sound = RelayRules()

    package init() {}
}
