/// A batch that the driver holds in memory, named by a small number; free numbers are used again.
package struct BatchToken: Hashable, Sendable {
    package var number: Int

    package init(_ number: Int) {
        self.number = number
    }
}

/// What tells a row from another one of the same id.
package struct RowMark: Hashable, Sendable {
    /// `created_at`, microseconds since the Unix epoch.
    package var createdAt: Int64
    /// The 32-bit id of the transaction that wrote the row as it was read; 0 where nobody asked.
    package var transaction: UInt32

    package init(createdAt: Int64 = 0, transaction: UInt32 = 0) {
        self.createdAt = createdAt
        self.transaction = transaction
    }
}

/// What the deciding part knows of a batch of rows: everything but the bytes.
package struct RowBatch: Hashable, Sendable {
    /// The batch, or nil where only ids were read because nothing of them is to be delivered.
    package var token: BatchToken?
    package var ids: [Int64]
    /// One an id.
    package var marks: [RowMark]
    /// The ordering key of each row; empty where no lane asks for keys.
    package var keys: [EventKey]
    /// What the batch takes in memory.
    package var bytes: Int

    package init(
        token: BatchToken?, ids: [Int64], marks: [RowMark]? = nil, keys: [EventKey] = [], bytes: Int = 0
    ) {
        self.token = token
        self.ids = ids
        self.marks = marks ?? [RowMark](repeating: RowMark(), count: ids.count)
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
    package var marks: [RowMark]
    /// One a row, or none where no lane asks for keys.
    package var keys: [EventKey]

    package var count: Int { ids.count }
    package var range: Range<Int> { offset..<(offset + ids.count) }

    package init(token: BatchToken?, offset: Int, ids: [Int64], marks: [RowMark], keys: [EventKey] = []) {
        self.token = token
        self.offset = offset
        self.ids = ids
        self.marks = marks
        self.keys = keys
    }

    /// The rows of `batch` at `range`.
    package init(_ batch: RowBatch, _ range: Range<Int>) {
        token = batch.token
        offset = range.lowerBound
        ids = Array(batch.ids[range])
        marks = Array(batch.marks[range])
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
            token: token, offset: offset + range.lowerBound, ids: Array(ids[range]), marks: Array(marks[range]),
            keys: keys.isEmpty ? [] : Array(keys[range]))
    }
}
