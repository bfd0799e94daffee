/// When sweeps have their turn, and how far the present rotation of them has come: a bounded portion at a time, from
/// the lowest id up, and then from the bottom again.
struct SweepSchedule: Hashable, Sendable {
    enum Rotation: Hashable, Sendable {
        /// The next sweep begins at the bottom. Exit: `underWay`.
        case over
        /// Late rows have been looked for through here; nil: not even the first portion has come back. `stamp`: what
        /// it was when the rotation began. `again`: what it has passed may hold something new, and another rotation
        /// follows at once. Exit: `over`.
        case underWay(through: Int64?, stamp: Int, again: Bool)
    }

    /// Where the relay is to end once everything is delivered and settled.
    struct Draining: Hashable, Sendable {
        /// Whether nothing is left is not asked before (milliseconds).
        var nextQuestion: Int64
        /// What `stamp` was when nothing was left.
        var quietAt: Int?
    }

    var isWanted = true
    /// Milliseconds: a sweep has its turn then even if nobody wants one.
    private(set) var next: Int64
    private(set) var rotation = Rotation.over
    var draining: Draining?

    init(untilDrained: Bool, at now: Int64) {
        next = now
        if untilDrained { draining = Draining(nextQuestion: now) }
    }

    /// The rotation has passed something.
    var isPartway: Bool { if case .underWay(.some, _, _) = rotation { true } else { false } }

    /// What the rotation has passed may hold something new.
    mutating func repeatRotation() {
        if case .underWay(let through, let stamp, _) = rotation {
            rotation = .underWay(through: through, stamp: stamp, again: true)
        }
    }

    /// A sweep is sent.
    ///
    /// - Returns: through where late rows were looked for already.
    mutating func starts(at now: Int64, stamp: Int, _ policy: RelayPolicy) -> Int64? {
        isWanted = false
        next = now + policy.sweepInterval
        draining?.nextQuestion = now + policy.pollInterval / 5
        switch rotation {
        case .underWay(.some(let through), _, _): return through
        // A rotation that begins now is the one that may tell that nothing is left.
        case .underWay(nil, _, let again): rotation = .underWay(through: nil, stamp: stamp, again: again)
        case .over: rotation = .underWay(through: nil, stamp: stamp, again: false)
        }
        return nil
    }

    /// A sweep has come back.
    ///
    /// - Parameter through: nil where there is nothing left above.
    mutating func came(through: Int64?) {
        guard case .underWay(_, let stamp, let again) = rotation else { return }
        if let through {
            rotation = .underWay(through: through, stamp: stamp, again: again)
        } else {
            rotation = .over
            if again { isWanted = true }
        }
    }

    /// The rotation goes on by then.
    mutating func goOn(by time: Int64) { next = min(next, time) }

    mutating func failed(until time: Int64) { next = time }

    /// Whether nothing has happened since the rotation began.
    func isUndisturbed(_ stamp: Int) -> Bool {
        if case .underWay(_, stamp, _) = rotation { true } else { false }
    }

    mutating func fold(clock now: Int64, stamp: Int) {
        next = max(0, next - now)
        if case .underWay(let through, let began, let again) = rotation {
            rotation = .underWay(through: through, stamp: began == stamp ? 0 : -1, again: again)
        }
        if let draining {
            self.draining = Draining(
                nextQuestion: max(0, draining.nextQuestion - now), quietAt: draining.quietAt == stamp ? 0 : nil)
        }
    }
}
