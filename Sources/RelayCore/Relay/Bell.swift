/// The stream as a bell: it says *that* something was committed, and under which ids. *What* leaves is read from the
/// table (design section 5).
///
/// It holds which announced ids no read has shown yet, and whether everything that is committed rings at all.
struct Bell: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// There is no stream. Exit: `opening`.
        case absent
        /// Its slot is being created. Exits: `standing`, `absent`.
        case opening
        /// What is committed rings. Exit: `absent`.
        case standing
    }

    /// What may have been committed without ringing: before the slot stood, or because an announcement found no room.
    enum Unheard: Hashable, Sendable {
        /// The next read that is sent tells which transactions that may be. Exit: `until`.
        case unknown
        /// Transactions below `edge`: until a read that reached the end shows that they are over. Exits: `none`, `unknown`.
        case until(edge: UInt64)
        /// Everything rings. Exit: `unknown`.
        case none
    }

    var phase: Phase = .absent
    var unheard: Unheard = .unknown
    var announced = Announcements()
    /// A read is wanted at once.
    var isRung = false
    /// Rows that reads have handed on and that have not rung: their announcement is news to nobody.
    private(set) var awaited = IDRanges()
    /// Above the tail: ids that rang and were read, and wait for their order.
    private(set) var shown = IDRanges()
    /// Above the tail: announced ids that are not there though their transaction is visible, and so never will be.
    private(set) var gone = IDRanges()

    var nextOpen: Int64 = 0
    var openPause: Int64 = 0
    /// Milliseconds to the next question after what is missing.
    var questionPause: Int64 = 0
    var nextQuestion: Int64 = 0
    /// The same for what is asked of sweeps.
    var sweepPause: Int64 = 0
    var nextSweep: Int64 = 0
    let rules: RelayRules

    init(rules: RelayRules) {
        self.rules = rules
    }

    /// Everything that is committed from here on rings.
    var ringsForAll: Bool { phase == .standing && unheard == .none }

    mutating func reset(nextOpen: Int64) {
        self = Bell(rules: rules)
        self.nextOpen = nextOpen
    }

    mutating func stands() {
        guard phase == .opening else { return }
        phase = .standing
        openPause = 0
        unheard = rules.standingIsUnheard ? .unknown : .none
        isRung = true
    }

    /// A transaction is announced.
    ///
    /// - Returns: false where it found no room: whoever is reading must look on without being called.
    mutating func ring(_ announcement: Announcement, tail: Int64, limit: Int) -> Bool {
        let heard = awaited.intersection(announcement.ids)
        awaited = awaited.subtracting(heard)
        let news = announcement.ids.subtracting(heard)
        let kept = rules.passedAsksSweep ? news : news.clamped(above: tail, through: .max)
        guard announced.insert(announcement.transaction, kept, limit: limit) else {
            announced.removeAll()
            if rules.overflowIsUnheard { unheard = .unknown }
            isRung = true
            return false
        }
        if news.meets(above: tail, through: .max) { isRung = true }
        return true
    }

    /// Rows were handed on: nobody waits for them.
    mutating func handed(_ ids: [Int64]) {
        guard phase != .absent, let last = ids.last else { return }
        let rows = IDRanges(ascending: ids)
        awaited = awaited.union(rows.subtracting(shown))
        if awaited.ranges.count > Announcements.limit { awaited.keepHighest(Announcements.limit / 2) }
        announced.remove(rows)
        shown = shown.clamped(above: last, through: .max)
        gone = gone.clamped(above: last, through: .max)
    }

    /// Rows at or below are settled: what rings of them from here on is news, like a mark that somebody undid.
    mutating func settled(through id: Int64) { awaited = awaited.clamped(above: id, through: .max) }

    /// A read has come back.
    ///
    /// - Parameters:
    ///   - rows: what it brought, whether or not it was handed on.
    ///   - covered: where a row would have been brought if it had been there.
    ///   - visible: of the transactions asked about, those that were visible before it looked.
    mutating func read(rows: IDRanges, covered: IDRanges, visible: Set<UInt32>) {
        for entry in announced.entries { shown = shown.union(entry.ids.intersection(rows)) }
        announced.remove(rows)
        let absent = covered.subtracting(rows)
        for entry in announced.entries where visible.contains(entry.transaction) {
            gone = gone.union(entry.ids.intersection(absent))
        }
        announced.remove(absent, of: visible)
        announced.miss(absent)
        if gone.ranges.count > Announcements.limit { gone = IDRanges() }
    }

    /// A read that was sent while something may have been unheard has come back.
    ///
    /// - Returns: whether nothing is unheard from here on.
    mutating func looked(_ edges: SnapshotEdges, reachedEnd: Bool) -> Bool {
        switch unheard {
        case .none: return false
        case .unknown:
            unheard = .until(edge: edges.xmax)
            guard edges.xmin >= edges.xmax, reachedEnd else { return false }
        case .until(let edge):
            guard edges.xmin >= edge, reachedEnd else { return false }
        }
        unheard = .none
        return true
    }

    /// A sweep has looked at what was announced at or below the tail, and decided about these transactions.
    mutating func swept(_ asked: [Announcement], visible: Set<UInt32>) {
        for announcement in asked where visible.contains(announcement.transaction) {
            announced.remove(announcement.ids, of: [announcement.transaction])
        }
    }

    /// Asks less and less often for what does not come.
    mutating func asked(isMissing: Bool, at now: Int64, atMost limit: Int64) {
        questionPause = isMissing ? min(max(1, questionPause * 2), limit) : 0
        nextQuestion = now + questionPause
    }

    mutating func askedSweep(isMissing: Bool, at now: Int64, atMost limit: Int64) {
        sweepPause = isMissing ? min(max(1, sweepPause * 2), limit) : 0
        nextSweep = now + sweepPause
    }

    /// As far as an exploration is concerned, how often it has asked does not matter.
    mutating func foldClock(_ now: Int64) {
        if nextOpen < .max { nextOpen = max(0, nextOpen - now) }
        nextQuestion = max(0, nextQuestion - now)
        nextSweep = max(0, nextSweep - now)
    }
}

/// A snapshot's edges, as 64-bit transaction ids: every transaction below `xmin` is over, none at or above `xmax` had
/// begun to be seen.
package struct SnapshotEdges: Hashable, Sendable {
    package var xmin: UInt64
    package var xmax: UInt64

    package init(xmin: UInt64, xmax: UInt64) {
        self.xmin = xmin
        self.xmax = xmax
    }
}
