/// What the far side of a sink can do wrong, by name.
package enum SinkFault: Sendable, Hashable, CaseIterable {
    /// The event with the id `rejectedID` is refused for good; all others are taken.
    case reject
    /// Nothing is taken; every attempt fails.
    case outage
    /// The next attempt arrives in whole, but fails: its answer is lost. Well again after it, by itself.
    case failAfterWrite
    /// What is sent may arrive, and nothing is answered until the fault is taken away.
    case holdResponse
    /// Every attempt arrives and is answered, some milliseconds later than it might be.
    case respondSlowly

    /// The id of the event that a far side with `reject` refuses.
    package static let rejectedID: Int64 = 13
}
