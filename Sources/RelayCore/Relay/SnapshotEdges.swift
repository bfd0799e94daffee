/// A snapshot's edges, as 64-bit transaction ids: every transaction below `xmin` is over, none at or above `xmax` had
/// begun to be seen.
package struct SnapshotEdges: Hashable, Sendable {
    package var xmin: UInt64
    package var xmax: UInt64

    package init(xmin: UInt64, xmax: UInt64) {
        self.xmin = xmin
        self.xmax = xmax
    }
}
