/// What a stream that stands has announced: which ids no read has shown yet, and whether everything that is committed
/// rings at all.
struct StandingStream: Hashable, Sendable {
    /// What may have been committed without ringing: before the slot stood, or because an announcement found no room.
    enum Unheard: Hashable, Sendable {
        /// The next read that is sent tells which transactions that may be. Exit: `until`.
        case unknown
        /// Transactions below `edge`: until a read that reached the end shows that they are over. Exits: `nothing`,
        /// `unknown`.
        case until(edge: UInt64)
        /// Everything rings. Exit: `unknown`.
        case nothing
    }

    private(set) var unheard: Unheard
    /// What no read has shown yet.
    private(set) var waiting = UnshownAnnouncements()
    var awaited: AwaitedRings
    /// Above the tail: ids that rang and were read, and wait for their order.
    private(set) var shown = IDRanges()
    /// Above the tail: announced ids that are not there though their transaction is visible, and so never will be.
    private(set) var gone = IDRanges()
    /// When what is missing is asked for again: less and less often.
    var questions = Pace()
    let rules: RelayRules

    init(awaited: AwaitedRings, rules: RelayRules) {
        self.awaited = awaited
        self.rules = rules
        unheard = rules.standingIsUnheard ? .unknown : .nothing
    }

    /// A transaction is announced.
    ///
    /// - Returns: whether a read is wanted at once, and whether there was room; where there was none, whoever is
    ///   reading must look on without being called.
    mutating func ring(_ announcement: Announcement, tail: Int64, limit: Int) -> (isRung: Bool, hadRoom: Bool) {
        let news = awaited.news(of: announcement.ids)
        let kept = rules.passedAsksSweep ? news : news.clamped(above: tail, through: .max)
        guard waiting.insert(announcement.transaction, kept, limit: limit) else {
            waiting.removeAll()
            if rules.overflowIsUnheard { unheard = .unknown }
            return (true, false)
        }
        return (news.meets(above: tail, through: .max), true)
    }

    mutating func handed(_ ids: [Int64]) {
        guard let last = ids.last else { return }
        let rows = IDRanges(ascending: ids)
        awaited.handed(rows.subtracting(shown))
        waiting.remove(rows)
        shown = shown.clamped(above: last, through: .max)
        gone = gone.clamped(above: last, through: .max)
    }

    /// A read has come back.
    ///
    /// - Parameters:
    ///   - ids: the rows that it brought, ascending, whether or not they were handed on.
    ///   - covered: where a row would have been brought if it had been there.
    ///   - visible: of the transactions asked about, those that were visible before it looked.
    mutating func read(_ ids: [Int64], covered: IDRanges, visible: Set<UInt32>) {
        guard !waiting.isEmpty else { return }
        let rows = IDRanges(ascending: ids)
        for entry in waiting.entries { shown = shown.union(entry.ids.intersection(rows)) }
        waiting.remove(rows)
        let unseen = covered.subtracting(rows)
        for entry in waiting.entries where visible.contains(entry.transaction) {
            gone = gone.union(entry.ids.intersection(unseen))
        }
        waiting.remove(unseen, of: visible)
        waiting.miss(unseen)
        if gone.ranges.count > UnshownAnnouncements.limit { gone = IDRanges() }
    }

    /// A read that was sent while something may have been unheard has come back.
    ///
    /// - Returns: whether nothing is unheard from here on.
    mutating func endUnheard(_ edges: SnapshotEdges, reachedEnd: Bool) -> Bool {
        switch unheard {
        case .nothing: return false
        case .unknown:
            unheard = .until(edge: edges.xmax)
            guard edges.xmin >= edges.xmax, reachedEnd else { return false }
        case .until(let edge):
            guard edges.xmin >= edge, reachedEnd else { return false }
        }
        unheard = .nothing
        return true
    }

    /// Whether something in `tail < id <= through` is to be asked for again now.
    func isAsked(tail: Int64, through: Int64, at now: Int64) -> Bool {
        rules.missingIsAskedAgain && now >= questions.next && waiting.contains(above: tail, through: through)
    }

    /// A read has come back: what is missing is asked for again, but less and less often.
    mutating func asked(tail: Int64, through: Int64, at now: Int64, atMost limit: Int64) {
        if waiting.missing(above: tail, through: through).isEmpty {
            questions.restart(at: now)
        } else {
            questions.slow(at: now, atMost: limit)
        }
    }

    mutating func swept(_ asked: [Announcement], visible: Set<UInt32>) {
        for announcement in asked where visible.contains(announcement.transaction) {
            waiting.remove(announcement.ids, of: [announcement.transaction])
        }
    }
}

/// Rows that reads have handed on and that have not rung: their announcement is news to nobody.
struct AwaitedRings: Hashable, Sendable {
    private(set) var ids = IDRanges()

    mutating func handed(_ rows: IDRanges) {
        ids = ids.union(rows)
        if ids.ranges.count > UnshownAnnouncements.limit { ids.keepHighest(UnshownAnnouncements.limit / 2) }
    }

    mutating func settled(through id: Int64) { ids = ids.clamped(above: id, through: .max) }

    /// What of an announcement is news; the rest has rung now.
    mutating func news(of announced: IDRanges) -> IDRanges {
        let heard = ids.intersection(announced)
        ids = ids.subtracting(heard)
        return announced.subtracting(heard)
    }
}
