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

    struct Row: Hashable, Sendable {
        var id: Int64
        var createdAt: Int64
        var token: BatchToken
        var offset: Int
        var transaction: UInt32
        var key: EventKey?
    }

    var phase: Phase = .absent
    /// Ascending; all above the tail once `drop(through:)` was called for it.
    var pending: [Row] = []
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
        let waits = waitsForVisibility
        self = StreamTail()
        waitsForVisibility = waits
        self.nextOpen = nextOpen
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
        pending = []
        drainTo = nil
        needsLastValue = true
    }

    mutating func scanned(lastValue: Int64, dropsBefore: Int) {
        guard needsLastValue, phase == .standing, dropsBefore == drops else { return }
        drainTo = lastValue
        needsLastValue = false
    }

    /// Takes rows in, in id order.
    mutating func insert(_ batch: RowBatch, above tail: Int64) {
        guard let token = batch.token else { return }
        var isSorted = true
        let start = pending.count
        for (offset, id) in batch.ids.enumerated() where id > tail {
            if let last = pending.last, last.id >= id { isSorted = false }
            let transaction = offset < batch.transactions.count ? batch.transactions[offset] : 0
            pending.append(
                Row(
                    id: id, createdAt: batch.createdAt[offset], token: token, offset: offset, transaction: transaction,
                    key: offset < batch.keys.count ? batch.keys[offset] : nil))
        }
        guard !isSorted, start < pending.count else { return }
        pending.sort { $0.id < $1.id }
        var kept = 0
        for index in pending.indices where kept == 0 || pending[kept - 1].id != pending[index].id {
            pending[kept] = pending[index]
            kept += 1
        }
        pending.removeLast(pending.count - kept)
    }

    /// Forgets what the tail has passed.
    mutating func drop(through tail: Int64) {
        guard let first = pending.first, first.id <= tail else { return }
        pending.removeFirst(pending.firstIndex { $0.id > tail } ?? pending.count)
    }

    func holds(_ id: Int64) -> Bool {
        var low = 0
        var high = pending.count
        while low < high {
            let middle = (low + high) / 2
            if pending[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < pending.count && pending[low].id == id
    }

    mutating func nowVisible(_ transactions: [UInt32], at now: Int64, atMost pause: Int64) {
        isAsking = false
        questionPause = transactions.isEmpty ? min(max(1, questionPause * 2), pause) : 0
        nextQuestion = now + questionPause
        visible.formUnion(transactions)
    }

    /// The first `count` pending rows as slices of consecutive rows of a batch.
    func slices(_ count: Int) -> [RowSlice] {
        var result: [RowSlice] = []
        for row in pending.prefix(count) {
            if var last = result.last, last.token == row.token, last.offset + last.count == row.offset {
                last.ids.append(row.id)
                last.createdAt.append(row.createdAt)
                if let key = row.key { last.keys.append(key) }
                result[result.count - 1] = last
            } else {
                result.append(
                    RowSlice(
                        token: row.token, offset: row.offset, ids: [row.id], createdAt: [row.createdAt],
                        keys: row.key.map { [$0] } ?? []))
            }
        }
        return result
    }
}
