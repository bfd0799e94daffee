/// Where the tail's rows come from, for as long as a tenure lasts.
enum TailSource: Hashable, Sendable {
    /// Poll mode: the work session claims them.
    case claims(ClaimedTail)
    /// WAL mode: the stream rings, and they are read from the table. Behind a pointer: a look at a tenure copies it.
    indirect case stream(StreamedTail)

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

    /// An unpublished row stands above the tail: it is read at once, whatever bell or timer say.
    mutating func readsNow(at now: Int64) {
        switch self {
        case .claims: claims?.claimsAtOnce(at: now)
        case .stream: stream?.readsNow(at: now)
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
