import Synchronization

/// The common timetable of a load's desks: transfer n is due n / rate seconds after the start, whatever became of those
/// before it. Late ones are caught up with, until the end; what is then not begun is dropped.
final class LoadPace: Sendable {
    /// What is still to be answered so long after the end is given up: the server has gone, or is stuck.
    static let overtime = Duration.seconds(3)

    private let start: ContinuousClock.Instant
    private let plannedEnd: ContinuousClock.Instant
    private let rate: Double
    private let taken = Atomic<Int>(0)
    private let begun = Atomic<Int>(0)
    private let stopped = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter rate: transfers a second, above 0.
    init(rate: Double, duration: Duration) {
        self.rate = rate
        start = .now
        plannedEnd = start + duration
    }

    /// When nothing is begun any more.
    var end: ContinuousClock.Instant { stopped.withLock { min($0 ?? plannedEnd, plannedEnd) } }

    /// Until when answers are waited for.
    var lastAnswer: ContinuousClock.Instant { end + Self.overtime }

    /// Whether the time that was planned is over.
    var isInOvertime: Bool { .now >= plannedEnd }

    /// Ends the load now, before its time.
    func stop() { stopped.withLock { $0 = $0 ?? .now } }

    /// When the next transfer is due; `nil` where that, or now, lies past the end.
    func next() -> ContinuousClock.Instant? {
        let due = due(taken.wrappingAdd(1, ordering: .relaxed).oldValue)
        let end = end
        return due < end && ContinuousClock.now < end ? due : nil
    }

    /// Counts a transfer that is now brought to a desk.
    func begin() { begun.wrappingAdd(1, ordering: .relaxed) }

    /// How many transfers have not begun of those that were due before the end. Asked once nothing begins any more.
    var dropped: Int {
        let end = end
        // Put right where a product of doubles and a sum of durations are of two minds.
        var count = max(0, Int(((end - start) / .seconds(1) * rate).rounded(.up)))
        while count > 0, due(count - 1) >= end { count -= 1 }
        while due(count) < end { count += 1 }
        return max(0, count - begun.load(ordering: .relaxed))
    }

    /// How long it has gone on.
    var elapsed: Duration { .now - start }

    /// How long it took, once it is over: at least until the end, for which the last transfer need not be due.
    var length: Duration { max(.now, end) - start }

    private func due(_ number: Int) -> ContinuousClock.Instant { start + .seconds(Double(number) / rate) }
}
