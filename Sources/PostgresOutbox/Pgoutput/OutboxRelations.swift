/// What the stream has said of relations so far: which of them is the outbox's unpublished leaf, and how it looks now.
///
/// The leaf has one relation id at a time, but another one once it was made anew.
struct OutboxRelations: Sendable {
    /// What is known of a relation.
    enum Knowledge {
        /// Nothing: the server never described it.
        case unknown
        /// It is none of ours.
        case other
        /// It is the unpublished leaf.
        case outbox(IDColumn)
    }

    private var leaf: (id: UInt32, column: IDColumn)?
    private var others: Set<UInt32> = []

    subscript(id: UInt32) -> Knowledge {
        if let leaf, leaf.id == id { return .outbox(leaf.column) }
        return others.contains(id) ? .other : .unknown
    }

    /// Notes that a relation is the leaf. Rows of the one that was come no more: it was dropped, or renamed and is
    /// described again before its next row.
    mutating func describe(_ id: UInt32, as column: IDColumn) {
        others.remove(id)
        leaf = (id, column)
    }

    /// Notes that a relation is another one.
    mutating func forget(_ id: UInt32) {
        if leaf?.id == id { leaf = nil }
        others.insert(id)
    }
}
