/// The earliest of the times at which something is to be done though nothing else happens.
struct NextWake {
    /// Times up to this one are over.
    private let now: Int64
    private(set) var time: Int64?

    init(after now: Int64) {
        self.now = now
    }

    mutating func add(_ time: Int64?) {
        guard let time, time > now else { return }
        self.time = min(self.time ?? time, time)
    }
}

extension [Lane] {
    /// Whether it holds for one of them; they are looked at where they are, for a lane is much to copy.
    func any(_ holds: (borrowing Lane) -> Bool) -> Bool {
        for index in indices where holds(self[index]) { return true }
        return false
    }
}

extension Lane {
    /// When something is to be done for it though nothing else happens.
    @inline(__always) func addWakes(to wake: inout NextWake) {
        if !isOnTail { wake.add(nextRead) }
        wake.add(outOfTurn?.until)
        if waitsOutOfTurn {
            wake.add(nextOwedRead)
            wake.add(nextParkedRead)
        }
        if case .some = unparked { wake.add(nextParking) }
        wake.add(health.nextTry)
        wake.add(keyed?.nextTry)
    }
}
