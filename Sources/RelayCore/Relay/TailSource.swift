/// Where the tail's rows come from, for as long as a tenure lasts: one of the two is there. (Two optionals, since the
/// payload of an enum cannot be changed where it is, and to copy it costs more than what is done with it.)
struct TailSource: Hashable, Sendable {
    /// Poll mode: the work session claims them.
    var claims: ClaimedTail?
    /// WAL mode: the stream rings, and they are read from the table.
    var stream: StreamedTail?

    init(usesStream: Bool, rules: RelayRules, at now: Int64) {
        if usesStream {
            stream = StreamedTail(rules: rules, at: now)
        } else {
            claims = ClaimedTail(pace: Pace(next: now))
        }
    }

    /// Ids above the tail that were announced and never will be there.
    var gone: IDRanges {
        if case .standing(let announced)? = stream?.bell.phase { announced.gone } else { IDRanges() }
    }

    /// The table has shown nothing new when it was looked at last.
    var showsNothingNew: Bool {
        if let stream { !stream.isRung && stream.read == nil } else { claims.map { $0.pace.pause > 0 } ?? false }
    }

    /// An unpublished row stands above the tail: it is read at once, whatever bell or timer say.
    mutating func readsNow(at now: Int64) {
        claims?.claimsAtOnce(at: now)
        stream?.readsNow(at: now)
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
