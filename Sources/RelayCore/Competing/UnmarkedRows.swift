/// A row that was delivered and is not marked as published.
package struct UnmarkedRow: Hashable, Sendable {
    package var id: Int64
    /// The row as it was delivered. An id alone might be issued a second time; and a row that was written to since may have
    /// been marked by another relay, and be wanted again by whoever undid the mark.
    package var mark: RowMark

    package init(id: Int64, mark: RowMark) {
        self.id = id
        self.mark = mark
    }
}

/// What a competing relay delivered and could not mark: it is not sent again, and the mark is tried again by itself.
package struct UnmarkedRows: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        var row: UnmarkedRow
        var attempt: Int
        /// Milliseconds.
        var until: Int64
    }

    /// Milliseconds: after the first failure, and the longest.
    private static let pauses: ClosedRange<Int64> = 500...10_000

    private var entries: [Int64: Entry] = [:]

    package init() {}

    package var count: Int { entries.count }
    package var ids: [Int64] { entries.keys.sorted() }
    /// When the next mark is due; nil: nothing is left to be marked.
    package var nextDue: Int64? { entries.values.lazy.map(\.until).min() }

    /// Remembers rows whose mark failed, or whose session was lost before its outcome was known.
    package mutating func remember(_ rows: some Sequence<UnmarkedRow>, until: Int64) {
        for row in rows where entries[row.id] == nil {
            entries[row.id] = Entry(row: row, attempt: 1, until: until)
        }
    }

    /// The first pause after a failure.
    package static func firstDue(at now: Int64) -> Int64 { now + pauses.lowerBound }

    /// The rows whose mark is to be tried now, in ascending order.
    package func due(at now: Int64) -> [UnmarkedRow] {
        entries.values.filter { $0.until <= now }.map(\.row).sorted { $0.id < $1.id }
    }

    /// The mark of these failed once more.
    package mutating func failed(_ ids: some Sequence<Int64>, at now: Int64) {
        for id in ids {
            guard var entry = entries[id] else { continue }
            let pause = Self.pauses.lowerBound << Int64(min(entry.attempt, 10))
            entry.until = now + min(pause, Self.pauses.upperBound)
            entry.attempt += 1
            entries[id] = entry
        }
    }

    /// They are marked, or gone, or others than they were.
    package mutating func forget(_ ids: some Sequence<Int64>) {
        for id in ids { entries[id] = nil }
    }
}
