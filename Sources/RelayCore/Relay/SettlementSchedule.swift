/// When what the lanes have done is settled. It outlives a tenure, as they do.
struct SettlementSchedule: Hashable, Sendable {
    /// Milliseconds: the longest pause after settlements that failed, and after those that could not move rows.
    private static let longestPause: Int64 = 5000
    private static let longestStuckPause: Int64 = 60_000

    /// Milliseconds: a little is settled then.
    private(set) var next: Int64 = 0
    /// The last one could settle nothing (a locked row): once more, but not at once.
    var movedNothing = false
    /// The last ones failed: none is begun before its time.
    private(set) var failures = Pace()
    /// When rows that were delivered and could not move are tried again: less and less often.
    private var stuckTries = Pace()
    /// The next one tries them.
    private var triesStuck = false

    /// A tenure begins: what failed did so on sessions that are gone.
    mutating func begin(at now: Int64) {
        next = min(next, now)
        failures = Pace()
        stuckTries.next = now
    }

    /// One is begun.
    ///
    /// - Returns: whether it tries rows that could not move.
    mutating func starts(inClaim: Bool, at now: Int64, interval: Int64) -> Bool {
        next = now + interval
        guard triesStuck, !inClaim else { return false }
        triesStuck = false
        return true
    }

    mutating func succeeded() { failures.pause = 0 }

    /// It waits apart, while claims and deliveries go on up to the window.
    mutating func failed(at now: Int64, interval: Int64) {
        failures.slow(at: now, atLeast: interval, atMost: Self.longestPause)
        next = failures.next
        movedNothing = true
    }

    /// No row is left that could not move.
    mutating func noneIsStuck() { stuckTries.pause = 0 }

    /// - Returns: whether rows that could not move are due; the next settlement tries them then.
    mutating func stuckAreDue(at now: Int64, interval: Int64) -> Bool {
        guard now >= stuckTries.next else { return false }
        stuckTries.slow(at: now, atLeast: interval, atMost: Self.longestStuckPause)
        triesStuck = true
        return true
    }

    mutating func foldClock(_ now: Int64) {
        next = max(0, next - now)
        failures.foldClock(now)
        stuckTries.foldClock(now)
    }
}
