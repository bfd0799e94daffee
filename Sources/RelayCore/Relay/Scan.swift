/// The scan of the sequence that tells how far everything is closed: one at a time, and only while something waits for
/// its answer.
enum Scan: Hashable, Sendable {
    /// `wanted`: something waits, and a scan is sent at `next` (milliseconds), not before. Exit: `running`.
    case idle(next: Int64, wanted: Bool)
    /// `again`: something has come up since, and the answer may be too old for it. Exit: `idle`.
    case running(again: Bool)

    /// Something waits for an answer.
    mutating func want() {
        switch self {
        case .idle(let next, _): self = .idle(next: next, wanted: true)
        case .running: self = .running(again: true)
        }
    }

    /// - Returns: whether one is to be sent now.
    mutating func starts(at now: Int64) -> Bool {
        guard case .idle(let next, wanted: true) = self, now >= next else { return false }
        self = .running(again: false)
        return true
    }

    /// When one is to be sent; nil where none is wanted, or one is under way.
    var nextWake: Int64? { if case .idle(let next, wanted: true) = self { next } else { nil } }

    mutating func foldClock(_ now: Int64) {
        if case .idle(let next, let wanted) = self { self = .idle(next: max(0, next - now), wanted: wanted) }
    }
}
