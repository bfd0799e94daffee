/// Where the tail's rows come from, for as long as a tenure lasts.
enum TailSource: Hashable, Sendable {
    /// Poll mode: the work session claims them.
    case claims(ClaimedTail)
    /// WAL mode: the stream rings, and they are read from the table.
    case stream(StreamedTail)

    init(usesStream: Bool, rules: RelayRules, at now: Int64) {
        self = usesStream ? .stream(StreamedTail(rules: rules, at: now)) : .claims(ClaimedTail(pace: Pace(next: now)))
    }

    var claims: ClaimedTail? {
        get { if case .claims(let claims) = self { claims } else { nil } }
        set { if case .claims = self, let newValue { self = .claims(newValue) } }
    }

    var stream: StreamedTail? {
        get { if case .stream(let stream) = self { stream } else { nil } }
        // Taken out and put back, for a copy would cost more than what is done with it.
        _modify {
            var taken: StreamedTail?
            if case .stream(let stream) = self {
                taken = stream
                self = .claims(ClaimedTail(pace: Pace()))
            }
            defer { if let taken { self = .stream(taken) } }
            yield &taken
        }
    }

    /// Ids above the tail that were announced and never will be there.
    var gone: IDRanges {
        if case .stream(let stream) = self, case .standing(let announced) = stream.bell.phase { return announced.gone }
        return IDRanges()
    }

    /// The table has shown nothing new when it was looked at last.
    var showsNothingNew: Bool {
        switch self {
        case .claims(let claims): claims.pace.pause > 0
        case .stream(let stream): !stream.isRung && stream.read == nil
        }
    }

    /// An unpublished row stands above the tail: it looks at once, whatever bell or timer say.
    mutating func looksAtOnce(at now: Int64) {
        switch self {
        case .claims: claims?.claimsAtOnce(at: now)
        case .stream: stream?.looksAtOnce(at: now)
        }
    }

    mutating func foldClock(_ now: Int64) {
        claims?.pace.foldClock(now)
        stream?.foldClock(now)
    }
}

/// The tail in poll mode.
struct ClaimedTail: Hashable, Sendable {
    /// When the next claim is made.
    var pace: Pace
    /// The work session has done something else: a claim has its turn first.
    var isNext = false

    /// There may be something new.
    mutating func claimsAtOnce(at now: Int64) { pace.next = min(pace.next, now) }
}

/// The tail in WAL mode: the bell, and the reads of the table that it or a timer asks for.
struct StreamedTail: Hashable, Sendable {
    /// A read of the tail that is under way.
    struct Read: Hashable, Sendable {
        var request: ReadRequest
        /// The horizon that was known when it was sent.
        var known: Int64
        /// It looks for what may be unheard.
        var looksForUnheard: Bool
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
        looksForUnheardNoMore()
        looksAtOnce(at: now)
    }

    mutating func rung(_ announcements: [Announcement], tail: Int64, limit: Int) {
        for announcement in announcements {
            guard let heard = bell.announced?.ring(announcement, tail: tail, limit: limit) else { return }
            if heard.isRung { isRung = true }
            if !heard.hadRoom { looksForUnheardNoMore() }
        }
    }

    /// When something is to be done though nothing else happens.
    var nextWakes: [Int64] {
        var times: [Int64] = []
        if let opening = bell.nextOpening { times.append(opening) }
        var notBefore: Int64 = 0
        switch reading {
        case .idle(let next): times.append(next)
        case .underWay: break
        case .failed(let until):
            times.append(until)
            notBefore = until
        }
        if case .standing(let announced) = bell.phase, !announced.waiting.isEmpty {
            times.append(max(announced.questions.next, notBefore))
        }
        return times
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

    mutating func looksAtOnce(at now: Int64) {
        if case .idle = reading { reading = .idle(next: now) }
    }

    /// A read is sent.
    mutating func reads(_ request: ReadRequest, known: Int64, looksForUnheard: Bool) {
        isRung = false
        reading = .underWay(Read(request: request, known: known, looksForUnheard: looksForUnheard))
    }

    /// The read that was under way is over; what is next follows from what it brought.
    mutating func takeRead(at now: Int64) -> Read? {
        guard let read else { return nil }
        reading = .idle(next: now)
        return read
    }

    /// There is more to read.
    mutating func goesOn() { isRung = true }

    /// The next read, if nothing rings: after `pause`, or after one that doubles as long as nothing is found.
    mutating func waits(_ pause: Int64, at now: Int64) { reading = .idle(next: now + pause) }

    mutating func slows(foundRows: Bool, at now: Int64, atMost longest: Int64, atLeast least: Int64) {
        pause = foundRows ? 0 : min(longest, max(1, pause * 2))
        reading = .idle(next: now + max(pause, least))
    }

    mutating func readFailed(until: Int64) {
        guard read != nil else { return }
        reading = .failed(until: until)
    }

    private mutating func looksForUnheardNoMore() {
        guard var read else { return }
        read.looksForUnheard = false
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
