/// Whether the lanes of this relay progress, judged by what is read of them every few seconds.
///
/// Something counts as progress if the sink got past an event in whatever manner: by delivery, in its turn or late; by
/// parking; by passing it over.
package struct Readiness: Sendable {
    /// A lane as it was read. What could not be read is nil.
    package struct Lane: Sendable, Hashable {
        package var name: String
        /// Events that the sink lacks.
        package var lagEvents: Int64?
        package var deliveredThrough: Int64?
        package var parked: Int64?
        /// Events that this process has delivered to it.
        package var delivered: Int64
        /// What is known to be in its way.
        package var trouble: String?

        package init(
            name: String, lagEvents: Int64?, deliveredThrough: Int64? = nil, parked: Int64? = nil, delivered: Int64 = 0,
            trouble: String? = nil
        ) {
            self.name = name
            self.lagEvents = lagEvents
            self.deliveredThrough = deliveredThrough
            self.parked = parked
            self.delivered = delivered
            self.trouble = trouble
        }

        /// Whether the sink got past something since an earlier reading, as far as both tell.
        func hasMoved(since earlier: Lane) -> Bool {
            func differ(_ one: Int64?, _ other: Int64?) -> Bool {
                if let one, let other { one != other } else { false }
            }
            // Fewer that it lacks: somebody else delivered them, or they were late.
            let lacksFewer = if let now = lagEvents, let then = earlier.lagEvents { now < then } else { false }
            return delivered != earlier.delivered || differ(deliveredThrough, earlier.deliveredThrough)
                || differ(parked, earlier.parked) || lacksFewer
        }
    }

    private struct Standing: Sendable {
        /// As it was read last; what was not read then, as it was before.
        var lane: Lane
        /// The reading since which it has had work and made no progress; nil where it has none to do.
        var since: Int64?
    }

    private var lanes: [String: Standing] = [:]
    private var readAt: Int64 = 0

    /// Milliseconds that a lane may have work and make no progress.
    package static let patience: Int64 = 60_000
    /// Lanes that are named in a reason.
    private static let named = 3

    package init() {}

    /// Takes what was read at a time, in milliseconds; a lane that is not among it is forgotten.
    package mutating func observe(_ read: [Lane], at now: Int64) {
        var next: [String: Standing] = [:]
        for lane in read { next[lane.name] = Self.standing(lane, after: lanes[lane.name], at: now) }
        lanes = next
        readAt = now
    }

    private static func standing(_ lane: Lane, after before: Standing?, at now: Int64) -> Standing {
        var known = lane
        known.lagEvents = lane.lagEvents ?? before?.lane.lagEvents
        known.deliveredThrough = lane.deliveredThrough ?? before?.lane.deliveredThrough
        known.parked = lane.parked ?? before?.lane.parked
        guard let lag = known.lagEvents, lag > 0 else { return Standing(lane: known, since: nil) }
        guard let before, let since = before.since, !lane.hasMoved(since: before.lane) else {
            return Standing(lane: known, since: now)
        }
        return Standing(lane: known, since: since)
    }

    /// Why it is not ready, in a line; nil where every lane progresses.
    ///
    /// - Parameter delivered: what this process has delivered by now, by the sink's name: a lane that has just gone on is
    ///   not held to its last reading.
    package func reason(delivered: [String: Int64] = [:], at now: Int64) -> String? {
        let stuck = lanes.values.compactMap { standing -> (name: String, sentence: String)? in
            let lane = standing.lane
            // A reading must have confirmed it: work that was read once may have been done since.
            guard let since = standing.since, readAt - since >= Self.patience,
                delivered[lane.name].map({ $0 == lane.delivered }) ?? true
            else { return nil }
            let sentence = "sink \(lane.name) has had work and made no progress for \((now - since) / 1000) s"
            return (lane.name, sentence + (lane.trouble.map { ": \($0)" } ?? ""))
        }.sorted { $0.name < $1.name }
        guard !stuck.isEmpty else { return nil }
        let more = stuck.count > Self.named ? ["and \(stuck.count - Self.named) more sinks"] : []
        return (stuck.prefix(Self.named).map(\.sentence) + more).joined(separator: "; ")
    }
}
