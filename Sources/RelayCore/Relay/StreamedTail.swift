/// The tail in WAL mode: the bell, and the reads of the table that it or a timer asks for.
struct StreamedTail: Hashable, Sendable {
    /// A read of the tail that is under way.
    struct Read: Hashable, Sendable {
        var request: ReadRequest
        /// The horizon when it was sent.
        var closedWhenSent: Int64
        /// It may show that nothing is unheard any more.
        var mayEndUnheard: Bool
    }

    enum Reading: Hashable, Sendable {
        /// A read is sent at `next` (milliseconds) though nothing rings. Exit: `underWay`.
        case idle(next: Int64)
        /// Exits: `idle`, `failed`.
        case underWay(Read)
        /// Another one is sent then, and none before, whatever rings. Exit: `underWay`.
        case failed(until: Int64)
    }

    var bell: Bell
    /// A read is wanted at once.
    private(set) var isRung = false
    private(set) var reading: Reading
    /// Milliseconds between two reads while not everything rings.
    private var pause: Int64 = 0

    init(rules: RelayRules, at now: Int64) {
        bell = Bell(rules: rules, at: now)
        reading = .idle(next: now)
    }

    // MARK: - The stream

    mutating func streamStands() {
        guard bell.stands() else { return }
        isRung = true
    }

    mutating func streamEnded(at now: Int64, pause: ClosedRange<Int64>) {
        bell.ended(at: now, pause: pause)
        isRung = false
        readKeepsUnheard()
        readsNow(at: now)
    }

    mutating func rung(_ announcements: [Announcement], tail: Int64, limit: Int) {
        for announcement in announcements {
            guard let heard = bell.standing?.ring(announcement, tail: tail, limit: limit) else { return }
            if heard.isRung { isRung = true }
            if !heard.hadRoom { readKeepsUnheard() }
        }
    }

    /// When something is to be done though nothing else happens.
    func addWakes(to wake: inout NextWake) {
        wake.add(bell.nextOpening)
        var notBefore: Int64 = 0
        switch reading {
        case .idle(let next): wake.add(next)
        case .underWay: break
        case .failed(let until):
            wake.add(until)
            notBefore = until
        }
        if case .standing(let announced) = bell.phase, !announced.waiting.isEmpty {
            wake.add(max(announced.questions.next, notBefore))
        }
    }

    // MARK: - Reads

    /// The one that is under way.
    var read: Read? { if case .underWay(let read) = reading { read } else { nil } }

    /// Whether the timer asks for a read.
    func isDue(at now: Int64) -> Bool {
        switch reading {
        case .idle(let time), .failed(let time): now >= time
        case .underWay: false
        }
    }

    /// Whether a read may be sent where something asks for it.
    func mayRead(at now: Int64) -> Bool {
        switch reading {
        case .idle: true
        case .underWay: false
        case .failed(let until): now >= until
        }
    }

    mutating func readsNow(at now: Int64) {
        if case .idle = reading { reading = .idle(next: now) }
    }

    /// A read is sent.
    mutating func reads(_ request: ReadRequest, closedWhenSent: Int64, mayEndUnheard: Bool) {
        isRung = false
        reading = .underWay(Read(request: request, closedWhenSent: closedWhenSent, mayEndUnheard: mayEndUnheard))
    }

    /// The read that was under way is over; what is next follows from what it brought.
    mutating func takeRead(at now: Int64) -> Read? {
        guard let read else { return nil }
        reading = .idle(next: now)
        return read
    }

    /// There is more to read.
    mutating func goesOn() { isRung = true }

    /// The next read, if nothing rings, is after this pause.
    mutating func waits(_ pause: Int64, at now: Int64) { reading = .idle(next: now + pause) }

    /// The same, after a pause that doubles as long as nothing is found.
    mutating func slows(foundRows: Bool, at now: Int64, atMost longest: Int64, atLeast least: Int64) {
        pause = foundRows ? 0 : min(longest, max(1, pause * 2))
        reading = .idle(next: now + max(pause, least))
    }

    mutating func readFailed(until: Int64) {
        guard read != nil else { return }
        reading = .failed(until: until)
    }

    private mutating func readKeepsUnheard() {
        guard var read else { return }
        read.mayEndUnheard = false
        reading = .underWay(read)
    }

    mutating func foldClock(_ now: Int64) {
        bell.foldClock(now)
        switch reading {
        case .idle(let next): reading = .idle(next: max(0, next - now))
        case .underWay: break
        case .failed(let until): reading = .failed(until: max(0, until - now))
        }
    }
}
