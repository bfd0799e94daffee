/// The settings that the deciding part follows. Times are milliseconds.
package struct RelayPolicy: Hashable, Sendable {
    /// Whether new rows are tailed from the stream, that rings, so that the table is read at once.
    package var usesStream = false
    /// Rows of one claim or table read; at least 1.
    package var batchSize = 1000
    /// Rows handed to one sink and not yet settled; at least 1.
    package var window = 1000
    /// Bytes of all buffered events together.
    package var memory = 64 << 20
    /// The longest wait between two polls of an idle table, and between two scans while something waits for one.
    package var pollInterval: Int64 = 100
    /// The shortest time between two claims where the first brought all there was: what comes meanwhile is claimed and
    /// settled together.
    package var claimSpacing: Int64 = 3
    /// How long a gap may stand before it is asked who holds the ids below.
    package var gapPatience: Int64 = 1
    /// A claim is kept at most this long for its rows to be delivered; and what is delivered is settled as often.
    package var settleInterval: Int64 = 100
    /// The longest wait between two reads of the tail while everything that is committed rings.
    package var netInterval: Int64 = 5000
    /// Runs of announced ids that wait to be read, at most.
    package var announcements = 4096
    /// The shortest wait before what failed is tried again: reading a row that could not be read, a sweep.
    package var faultInterval: Int64 = 1000
    package var sweepInterval: Int64 = 3000
    package var retry = RetryPolicy()
    /// How long an order hold lasts before it is named.
    package var holdNotice: Int64 = 1000
    /// End once everything is delivered and settled.
    package var untilDrained = false

    package init() {}
}
