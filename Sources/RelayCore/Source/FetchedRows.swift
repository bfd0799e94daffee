/// Rows and their bytes.
package struct FetchedRows: Sendable {
    package var batch: EventBatch?
    package var ids: [Int64]
    package var reachedEnd: Bool
    /// Rows that the database cannot give out. A read in order ends before the first of them.
    package var faults: [RowFault]

    package init(batch: EventBatch?, ids: [Int64], reachedEnd: Bool, faults: [RowFault] = []) {
        self.batch = batch
        self.ids = ids
        self.reachedEnd = reachedEnd
        self.faults = faults
    }
}

/// What a read of the tail brought, with the rows' bytes.
package struct FetchedTail: Sendable {
    package var rows: FetchedRows
    package var lastValue: Int64?
    package var visible: [UInt32]
    package var edges: SnapshotEdges?

    package init(rows: FetchedRows, lastValue: Int64?, visible: [UInt32] = [], edges: SnapshotEdges? = nil) {
        self.rows = rows
        self.lastValue = lastValue
        self.visible = visible
        self.edges = edges
    }
}

/// What a claim brought, with the rows' bytes.
package struct FetchedClaim: Sendable {
    package var rows: FetchedRows
    /// The sequence's last value, read after the rows; nil where the claim saw no row.
    package var lastValue: Int64?
    /// The transaction is open and holds the rows' locks.
    package var isOpen: Bool

    package init(rows: FetchedRows, lastValue: Int64? = nil, isOpen: Bool = false) {
        self.rows = rows
        self.lastValue = lastValue
        self.isOpen = isOpen
    }
}
