import Libpq
import RelayCore

extension IDRanges {
    /// Two values for `unnest($1::bigint[], $2::bigint[])`: where each range begins, and where it ends.
    var parameters: [Parameter] { [.int8Array(ranges.map(\.first)), .int8Array(ranges.map(\.last))] }
}

/// A time as microseconds since the Unix epoch, as an SQL expression: what does not fit becomes the nearest that does,
/// as in ``EventBatch/createdAt``.
func microsecondsSQL(_ time: SQLText) -> SQLText {
    "least(greatest(extract(epoch FROM \(time)) * 1000000, -9223372036854775808), 9223372036854775807)::bigint"
}
