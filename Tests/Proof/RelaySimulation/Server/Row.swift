import RelayCore

/// A row of the outbox.
struct Row: Hashable, Sendable {
    var id: Int64
    /// The transaction that wrote it as it is.
    var transaction: UInt32
    /// Counts what was written to it: 0 as it was inserted.
    var version = 0
    /// Microseconds since the Unix epoch; no two rows have the same.
    var createdAt: Int64
    /// The number of its ordering key.
    var key: Int
    /// Bytes of its payload.
    var size: Int
    /// Its id was drawn in an earlier transaction, or given by hand, or its mark was undone: it may come out of turn.
    var isLate: Bool

    /// What tells it from another row of the same id, in whatever version.
    var identity: DeliveredRow { DeliveredRow(id: id, mark: RowMark(createdAt: createdAt)) }

    /// As the transaction writes it.
    func rewritten(by transaction: UInt32) -> Row {
        var row = self
        row.version += 1
        row.transaction = transaction
        return row
    }
}

/// The rows of a leaf, ascending in id.
struct Leaf: Sendable {
    private(set) var rows: [Row] = []

    var lowest: Int64? { rows.first?.id }
    var highest: Int64? { rows.last?.id }
    var ids: [Int64] { rows.map(\.id) }

    subscript(id: Int64) -> Row? {
        let index = firstIndex(atOrAbove: id)
        return index < rows.count && rows[index].id == id ? rows[index] : nil
    }

    func above(_ id: Int64) -> ArraySlice<Row> { rows[firstIndex(atOrAbove: id + 1)...] }

    func highest(through id: Int64) -> Int64? {
        let index = firstIndex(atOrAbove: id + 1)
        return index > 0 ? rows[index - 1].id : nil
    }

    /// The ids that lie in one of `ranges`, ascending.
    func ids(in ranges: IDRanges) -> [Int64] {
        ranges.ranges.flatMap { range in
            rows[firstIndex(atOrAbove: range.first)...].prefix { $0.id <= range.last }.map(\.id)
        }
    }

    mutating func insert(_ row: Row) {
        rows.insert(row, at: firstIndex(atOrAbove: row.id))
    }

    /// Puts another version in the row's place, where it is here.
    mutating func update(_ row: Row) {
        let index = firstIndex(atOrAbove: row.id)
        if index < rows.count, rows[index].id == row.id { rows[index] = row }
    }

    @discardableResult
    mutating func remove(_ id: Int64) -> Row? {
        let index = firstIndex(atOrAbove: id)
        guard index < rows.count, rows[index].id == id else { return nil }
        return rows.remove(at: index)
    }

    private func firstIndex(atOrAbove id: Int64) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
