import Synchronization

/// The common timetable of all connections: transfer n is due n / rate seconds after the start, whatever became of
/// those before it. Late ones are caught up with, until the end; what is then not begun is dropped.
final class LoadPace: Sendable {
    /// When nothing is begun any more.
    let end: ContinuousClock.Instant
    private let start: ContinuousClock.Instant
    private let rate: Double
    private let taken = Atomic<Int>(0)

    init(rate: Double, duration: Duration) {
        self.rate = rate
        start = .now
        end = start + duration
    }

    /// When the next transfer is due; `nil` where that, or now, lies past the end.
    func next() -> ContinuousClock.Instant? {
        let number = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        let due = start + .seconds(Double(number) / rate)
        return due < end && ContinuousClock.now < end ? due : nil
    }
}
