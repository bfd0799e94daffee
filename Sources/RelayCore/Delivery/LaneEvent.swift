/// What a lane has to tell of its conversation with the sink.
package enum LaneEvent: Hashable, Sendable {
    /// The sink could not take what it was given, for the time being; `attempt` counts from 1.
    case outage(reason: String, attempt: Int)
    /// The sink is well again.
    case recovered
    /// The sink will never accept the event `id`.
    case rejected(id: Int64, reason: String, isParked: Bool)
    /// Somebody has to correct something before the sink can take anything.
    case blocked(reason: String)
    /// The lane reads the table from here on.
    case leftTail
}
