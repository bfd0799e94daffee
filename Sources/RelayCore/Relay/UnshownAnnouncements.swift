/// Announced ids that no read has shown yet, by transaction.
///
/// Bounded: what finds no room is reported, and then somebody must look without being called.
struct UnshownAnnouncements: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var transaction: UInt32
        var ids: IDRanges
        /// A read that covered these ids has not shown them.
        var isMissing = false
    }

    /// How many runs of ids are kept at most.
    static let limit = 4096

    private(set) var entries: [Entry] = []
    private var size = 0

    var isEmpty: Bool { entries.isEmpty }

    /// - Returns: whether there was room.
    mutating func insert(_ transaction: UInt32, _ ids: IDRanges, limit: Int) -> Bool {
        guard !ids.isEmpty else { return true }
        guard size + ids.ranges.count <= limit else { return false }
        size += ids.ranges.count
        entries.append(Entry(transaction: transaction, ids: ids))
        return true
    }

    mutating func removeAll() {
        entries = []
        size = 0
    }

    /// Nobody waits for these ids any more.
    mutating func remove(_ ids: IDRanges) {
        guard !ids.isEmpty, !entries.isEmpty else { return }
        change { $0.ids = $0.ids.subtracting(ids) }
    }

    /// Nobody waits for these ids any more, of these transactions.
    mutating func remove(_ ids: IDRanges, of transactions: Set<UInt32>) {
        guard !ids.isEmpty, !transactions.isEmpty else { return }
        change { if transactions.contains($0.transaction) { $0.ids = $0.ids.subtracting(ids) } }
    }

    /// A read covered these ids: what is still waited for among them is missing.
    mutating func miss(_ ids: IDRanges) {
        change { if !$0.isMissing, !$0.ids.intersection(ids).isEmpty { $0.isMissing = true } }
    }

    private mutating func change(_ body: (inout Entry) -> Void) {
        for index in entries.indices { body(&entries[index]) }
        entries.removeAll { $0.ids.isEmpty }
        size = entries.reduce(0) { $0 + $1.ids.ranges.count }
    }

    /// Whether something in `above < id <= through` is waited for.
    func contains(above: Int64, through: Int64) -> Bool {
        entries.contains { entry in entry.ids.meets(above: above, through: through) }
    }

    /// Whether something at or below `id` is waited for.
    func contains(through id: Int64) -> Bool { entries.contains { ($0.ids.first ?? .max) <= id } }

    /// The transactions whose ids in `above < id <= through` a read has not shown; bounded.
    func missing(above: Int64, through: Int64) -> [UInt32] {
        entries.lazy.filter { $0.isMissing && $0.ids.meets(above: above, through: through) }
            .prefix(Self.questions).map(\.transaction)
    }

    /// The entries with ids at or below `tail`, cut to them; bounded.
    func passed(by tail: Int64) -> [Announcement] {
        var result: [Announcement] = []
        for entry in entries where (entry.ids.first ?? .max) <= tail {
            result.append(
                Announcement(transaction: entry.transaction, ids: entry.ids.clamped(above: nil, through: tail)))
            if result.count == Self.questions { break }
        }
        return result
    }

    /// How many transactions one statement asks about at most.
    private static let questions = 1000
}
