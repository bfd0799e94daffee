/// The stream as a bell: it says *that* something was committed, and under which ids. *What* leaves is read from the
/// table (decision 14).
struct Bell: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// There is no stream; one is opened at its time. Exit: `opening`.
        case noStream(Pace)
        /// Its slot is being created, and what is handed on meanwhile rings later. `pause`: the one before it, in
        /// milliseconds. Exits: `standing`, `noStream`.
        case opening(pause: Int64, AwaitedRings)
        /// What is committed rings. Exit: `noStream`.
        case standing(StandingStream)

        /// The stream that stands, moved out; the phase is meaningless until one is put back.
        fileprivate mutating func takeStanding() -> StandingStream? {
            switch consume self {
            case .standing(let stream):
                self = .noStream(Pace())
                return stream
            case let other:
                self = other
                return nil
            }
        }
    }

    private(set) var phase: Phase
    /// When a sweep is asked after what is announced and was passed: less and less often.
    var sweeps = Pace()
    let rules: RelayRules

    init(rules: RelayRules, at now: Int64) {
        self.rules = rules
        phase = .noStream(Pace(next: now))
    }

    /// The stream that stands, where there is one.
    var standing: StandingStream? {
        get { if case .standing(let stream) = phase { stream } else { nil } }
        // Taken out and put back, for a copy would cost more than what is done with it.
        _modify {
            var standing = phase.takeStanding()
            defer { if let standing { phase = .standing(standing) } }
            yield &standing
        }
    }

    /// Everything that is committed from here on rings.
    var ringsForAll: Bool { if case .standing(let stream) = phase { stream.unheard == .nothing } else { false } }

    /// A stream stands, and something may have been committed without ringing.
    var isUnheard: Bool { if case .standing(let stream) = phase { stream.unheard != .nothing } else { false } }

    /// When a stream is opened; nil where there is one.
    var nextOpening: Int64? { if case .noStream(let pace) = phase { pace.next } else { nil } }

    /// - Returns: whether a stream is to be opened now.
    mutating func opens(at now: Int64) -> Bool {
        guard case .noStream(let pace) = phase, now >= pace.next else { return false }
        phase = .opening(pause: pace.pause, AwaitedRings())
        return true
    }

    /// - Returns: whether that is news.
    mutating func stands() -> Bool {
        guard case .opening(_, let awaited) = phase else { return false }
        phase = .standing(StandingStream(awaited: awaited, rules: rules))
        return true
    }

    /// The stream ended: another one is opened after a pause, which doubles until one stands.
    mutating func ended(at now: Int64, pause: ClosedRange<Int64>) {
        var pace =
            switch phase {
            case .noStream(let pace): pace
            case .opening(let pause, _): Pace(pause: pause)
            case .standing: Pace()
            }
        pace.slow(at: now, atLeast: pause.lowerBound, atMost: pause.upperBound)
        phase = .noStream(pace)
        sweeps = Pace()
    }

    /// Rows were handed on: nobody waits for them.
    mutating func handed(_ ids: [Int64]) {
        if case .opening(let pause, var awaited) = phase {
            awaited.handed(IDRanges(ascending: ids))
            phase = .opening(pause: pause, awaited)
        }
        standing?.handed(ids)
    }

    /// Rows at or below are settled: what rings of them from here on is news, like a mark that somebody undid.
    mutating func settled(through id: Int64) {
        if case .opening(let pause, var awaited) = phase {
            awaited.settled(through: id)
            phase = .opening(pause: pause, awaited)
        }
        standing?.awaited.settled(through: id)
    }

    /// When a sweep is asked after what is announced at or below `tail`; nil where nothing is.
    func nextSweep(tail: Int64) -> Int64? {
        guard case .standing(let stream) = phase, stream.waiting.contains(through: tail) else { return nil }
        return sweeps.next
    }

    /// A sweep has looked at what was announced at or below `tail`, and decided about the transactions that it saw.
    mutating func swept(
        _ asked: [Announcement], visible: Set<UInt32>, tail: Int64, at now: Int64, atMost limit: Int64
    ) {
        standing?.swept(asked, visible: visible)
        if nextSweep(tail: tail) != nil { sweeps.slow(at: now, atMost: limit) } else { sweeps.restart(at: now) }
    }

    /// As far as an exploration is concerned, how often it has asked does not matter.
    mutating func foldClock(_ now: Int64) {
        sweeps.foldClock(now)
        standing?.questions.foldClock(now)
        if case .noStream(var pace) = phase {
            pace.foldClock(now)
            phase = .noStream(pace)
        }
    }
}
