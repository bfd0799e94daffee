/// What the stream says of a transaction: that it was committed, and under which ids it inserted rows.
///
/// It says nothing of the rows: they may have been changed, moved or deleted since, by the same transaction even, and
/// nobody need see them yet.
package struct Announcement: Hashable, Sendable {
    /// The 32-bit id of the transaction.
    package var transaction: UInt32
    package var ids: IDRanges

    package init(transaction: UInt32, ids: IDRanges) {
        self.transaction = transaction
        self.ids = ids
    }
}
