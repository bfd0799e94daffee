/// What a registered sink that nobody serves holds back.
package struct HeldRows: Hashable, Sendable {
    /// Counting stops here.
    package static let countLimit: Int64 = 1_000_000

    /// Unpublished rows that it lacks: at least so many, where ``areMore``.
    package var rows: Int64
    /// About so many bytes of the disk, by the size of the lowest of these rows.
    package var bytes: Int64
    /// Counting was stopped, at ``countLimit`` or because it took too long.
    package var areMore: Bool

    package init(rows: Int64, bytes: Int64, areMore: Bool = false) {
        self.rows = rows
        self.bytes = bytes
        self.areMore = areMore
    }
}
