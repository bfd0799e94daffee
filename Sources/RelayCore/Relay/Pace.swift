/// When something is tried again, and how long it waited for that: what brings nothing is tried less and less often.
/// Times are milliseconds.
struct Pace: Hashable, Sendable {
    /// Not before.
    var next: Int64 = 0
    /// The last pause; 0: there was none.
    var pause: Int64 = 0

    /// It brought something: once more at once.
    mutating func restart(at now: Int64) {
        pause = 0
        next = now
    }

    /// It brought nothing: once more after twice the pause.
    mutating func slow(at now: Int64, atLeast least: Int64 = 1, atMost most: Int64, notBefore: Int64 = 0) {
        pause = min(most, max(least, pause * 2))
        next = max(notBefore, now + pause)
    }

    /// Once more after the longest pause.
    mutating func rest(at now: Int64, _ longest: Int64) {
        pause = longest
        next = now + longest
    }

    /// The same with its clock set back, for an exploration.
    mutating func foldClock(_ now: Int64) { next = max(0, next - now) }
}
