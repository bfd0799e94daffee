/// What one page of a leader's purge did.
package struct PurgedPage: Hashable, Sendable {
    /// Rows that it deleted.
    package var count: Int64
    /// The highest of them.
    package var lastID: Int64?
    /// There may be more to delete now.
    package var mayBeMore: Bool
    /// The sink that rows wait for which are old enough; nil where it is none, or not known yet.
    package var waitsFor: String?

    package init(count: Int64 = 0, lastID: Int64? = nil, mayBeMore: Bool = false, waitsFor: String? = nil) {
        self.count = count
        self.lastID = lastID
        self.mayBeMore = mayBeMore
        self.waitsFor = waitsFor
    }
}
