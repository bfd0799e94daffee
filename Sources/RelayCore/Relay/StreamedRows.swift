/// Rows that the stream has brought and that wait until they may be handed on, ascending.
struct StreamedRows: Hashable, Sendable {
    struct Row: Hashable, Sendable {
        var id: Int64
        var createdAt: Int64
        var token: BatchToken
        var offset: Int
        var transaction: UInt32
        var key: EventKey?
    }

    private(set) var rows: [Row] = []
    private(set) var uses = BatchUses()

    var isEmpty: Bool { rows.isEmpty }
    var first: Row? { rows.first }

    /// Takes in the rows of a batch that are above `tail`. They come in the order of their commits: most are above all
    /// that wait, and the others not far below.
    mutating func insert(_ batch: RowBatch, above tail: Int64) {
        let fresh = Self.rows(of: batch, above: tail)
        guard let lowest = fresh.first else { return }
        let start = position(of: lowest.id)
        if start == rows.count {
            rows += fresh
            for row in fresh { uses.add(row.token) }
        } else {
            merge(fresh, from: start)
        }
    }

    private static func rows(of batch: RowBatch, above tail: Int64) -> [Row] {
        guard let token = batch.token else { return [] }
        var rows: [Row] = []
        var isAscending = true
        for (offset, id) in batch.ids.enumerated() where id > tail {
            if let last = rows.last, last.id > id { isAscending = false }
            rows.append(
                Row(
                    id: id, createdAt: batch.createdAt[offset], token: token, offset: offset,
                    transaction: offset < batch.transactions.count ? batch.transactions[offset] : 0,
                    key: offset < batch.keys.count ? batch.keys[offset] : nil))
        }
        if !isAscending { rows.sort { $0.id < $1.id } }
        return rows
    }

    /// A row that waits already is kept as it is.
    private mutating func merge(_ fresh: [Row], from start: Int) {
        var merged: [Row] = []
        merged.reserveCapacity(rows.count - start + fresh.count)
        var next = start
        for row in fresh {
            while next < rows.count, rows[next].id < row.id {
                merged.append(rows[next])
                next += 1
            }
            if next < rows.count, rows[next].id == row.id { continue }
            merged.append(row)
            uses.add(row.token)
        }
        merged += rows[next...]
        rows.replaceSubrange(start..., with: merged)
    }

    /// Forgets the first `count` rows.
    mutating func removeFirst(_ count: Int) {
        for row in rows.prefix(count) { uses.remove(row.token) }
        rows.removeFirst(count)
    }

    /// Forgets what the tail has passed.
    mutating func drop(through tail: Int64) {
        guard let first = rows.first, first.id <= tail else { return }
        removeFirst(position(of: tail + 1))
    }

    mutating func removeAll() {
        rows = []
        uses.removeAll()
    }

    mutating func takeLeft() -> [BatchToken] { uses.takeLeft() }

    func holds(_ id: Int64) -> Bool {
        let place = position(of: id)
        return place < rows.count && rows[place].id == id
    }

    /// The first `count` rows as slices of consecutive rows of a batch.
    func slices(_ count: Int) -> [RowSlice] {
        var result: [RowSlice] = []
        for row in rows.prefix(count) {
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

    /// Where the first row at or above `id` stands.
    private func position(of id: Int64) -> Int {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
