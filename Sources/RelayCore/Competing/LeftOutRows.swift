/// Events that a competing relay's claims leave out for a while, so that one which cannot be delivered holds nobody up.
package struct LeftOutRows: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        /// How often it failed in a row.
        var attempt: Int
        /// Milliseconds; from then on it may be claimed again.
        var until: Int64
    }

    /// Milliseconds that an event's failures are remembered for after its pause.
    private static let memory: Int64 = 60_000

    private var entries: [Int64: Entry] = [:]
    /// From when on claims may hold events that failed before: until then it is the others' turn.
    private var turn: Int64 = 0

    package init() {}

    /// How many claims leave out now.
    package func count(at now: Int64) -> Int { entries.values.count { $0.until > now } }

    /// When the first of those that are left out is due.
    package func firstDue(after now: Int64) -> Int64? { entries.values.lazy.map(\.until).filter { $0 > now }.min() }

    /// An event failed; gives how often in a row it has.
    package mutating func failed(_ id: Int64, pause: (_ attempt: Int) -> Int64, at now: Int64) -> Int {
        let attempt = (entries[id]?.attempt ?? 0) + 1
        entries[id] = Entry(attempt: attempt, until: now + max(1, pause(attempt)))
        return attempt
    }

    /// What an event that failed took of the time goes to the others next, so that many slow ones leave them half of it.
    package mutating func took(_ milliseconds: Int64, at now: Int64) { turn = now + milliseconds }

    /// There are no others.
    package mutating func othersAreDone() { turn = 0 }

    package mutating func succeeded(_ id: Int64) { entries[id] = nil }

    /// The events that a claim leaves out, in ascending order.
    package mutating func ids(at now: Int64) -> [Int64] {
        entries = entries.filter { $0.value.until + Self.memory > now }
        return entries.filter { now < turn || now < $0.value.until }.keys.sorted()
    }
}
