/// What the relay holds of the stream: a tail that is never trusted to be complete.
///
/// Rows queue here, in id order, until they may be handed on. What finds no room is dropped: the table has it, and is
/// drained again before the stream leads.
struct StreamTail: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// There is no stream. Exit: `opening`.
        case absent
        /// Its slot is being created, while polling goes on. Exits: `standing`, `absent`.
        case opening
        /// Rows arrive; the table is drained by polling up to `drainTo` first. Exits: `leading`, `absent`.
        case standing
        /// New rows come from here alone. Exits: `standing` (rows were dropped, or some are missing), `absent`.
        case leading
    }

    var phase: Phase = .absent
    /// All above the tail once `drop(through:)` was called for it.
    var pending = StreamedRows()
    /// How often rows were dropped, or the stream began to stand: a last value that was read before does not count.
    var drops = 0
    /// The table is to be drained through here; nil until a last value was read after the last drop.
    var drainTo: Int64?
    var needsLastValue = false
    var nextOpen: Int64 = 0
    var openPause: Int64 = 0

    var waitsForVisibility = false
    var visible: Set<UInt32> = []
    var isAsking = false
    /// Milliseconds to the next question where the last one found nothing visible.
    var questionPause: Int64 = 0
    var nextQuestion: Int64 = 0
    /// A gap that a look has found empty: ids at or below this horizon are gone for good.
    var lookedThrough: Int64 = 0

    mutating func reset(nextOpen: Int64) {
        var next = StreamTail()
        next.waitsForVisibility = waitsForVisibility
        next.nextOpen = nextOpen
        pending.removeAll()
        next.pending = pending
        self = next
    }

    mutating func stands() {
        guard phase == .opening else { return }
        phase = .standing
        openPause = 0
        askAgain()
    }

    /// Only a last value that is read from now on tells how far the table must be drained. What waits here would only
    /// take the room that draining needs.
    mutating func askAgain() {
        drops += 1
        pending.removeAll()
        drainTo = nil
        needsLastValue = true
    }

    mutating func scanned(lastValue: Int64, dropsBefore: Int) {
        guard needsLastValue, phase == .standing, dropsBefore == drops else { return }
        drainTo = lastValue
        needsLastValue = false
    }

    mutating func nowVisible(_ transactions: [UInt32], at now: Int64, atMost pause: Int64) {
        isAsking = false
        questionPause = transactions.isEmpty ? min(max(1, questionPause * 2), pause) : 0
        nextQuestion = now + questionPause
        visible.formUnion(transactions)
    }
}
