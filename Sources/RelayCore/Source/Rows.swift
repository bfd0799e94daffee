/// A batch that the driver holds in memory, named by a small number; free numbers are used again.
package struct BatchToken: Hashable, Sendable {
    package var number: Int

    package init(_ number: Int) {
        self.number = number
    }
}

/// What the deciding part knows of a batch of rows: everything but the bytes.
package struct RowBatch: Hashable, Sendable {
    /// The batch, or nil where only ids were read because nothing of them is to be delivered.
    package var token: BatchToken?
    package var ids: [Int64]
    /// `created_at`, microseconds since the Unix epoch, one an id.
    package var createdAt: [Int64]
    /// From the stream: the 32-bit id of the transaction that wrote each row; empty otherwise.
    package var transactions: [UInt32]
    /// The ordering key of each row; empty where no lane asks for keys.
    package var keys: [EventKey]
    /// What the batch takes in memory.
    package var bytes: Int

    package init(
        token: BatchToken?, ids: [Int64], createdAt: [Int64]? = nil, transactions: [UInt32] = [],
        keys: [EventKey] = [], bytes: Int = 0
    ) {
        self.token = token
        self.ids = ids
        self.createdAt = createdAt ?? [Int64](repeating: 0, count: ids.count)
        self.transactions = transactions
        self.keys = keys
        self.bytes = bytes
    }
}

/// Consecutive rows of one batch, ascending in id: what is handed to a lane.
package struct RowSlice: Hashable, Sendable {
    package var token: BatchToken?
    /// Where the slice begins in its batch.
    package var offset: Int
    package var ids: [Int64]
    package var createdAt: [Int64]
    /// One a row, or none where no lane asks for keys.
    package var keys: [EventKey]

    package var count: Int { ids.count }
    package var range: Range<Int> { offset..<(offset + ids.count) }

    package init(token: BatchToken?, offset: Int, ids: [Int64], createdAt: [Int64], keys: [EventKey] = []) {
        self.token = token
        self.offset = offset
        self.ids = ids
        self.createdAt = createdAt
        self.keys = keys
    }

    /// The rows of `batch` at `range`.
    package init(_ batch: RowBatch, _ range: Range<Int>) {
        token = batch.token
        offset = range.lowerBound
        ids = Array(batch.ids[range])
        createdAt = Array(batch.createdAt[range])
        keys = batch.keys.isEmpty ? [] : Array(batch.keys[range])
    }

    /// The part of the slice whose ids are above `id`; nil if there is none.
    package func above(_ id: Int64) -> RowSlice? {
        guard let last = ids.last, last > id else { return nil }
        if let first = ids.first, first > id { return self }
        return dropping(ids.firstIndex { $0 > id } ?? ids.count)
    }

    /// The first `count` rows.
    package func prefix(_ count: Int) -> RowSlice { part(0..<min(count, self.count)) }

    /// All but the first `count` rows.
    package func dropping(_ count: Int) -> RowSlice { part(min(count, self.count)..<self.count) }

    /// The rows at `range` of the slice.
    package func part(_ range: Range<Int>) -> RowSlice {
        RowSlice(
            token: token, offset: offset + range.lowerBound, ids: Array(ids[range]), createdAt: Array(createdAt[range]),
            keys: keys.isEmpty ? [] : Array(keys[range]))
    }
}
