import RelayCore

/// Ids as SQL constants of type bigint: quoted, since a minus sign before the lowest one would be an operator on a number
/// that is too large, and a bare number beyond an integer may be numeric, which no index serves.
extension Int64 {
    var sql: String { "'\(self)'::bigint" }
}

extension IDRanges {
    /// `(first, last), …` as the rows of a VALUES list.
    var valuesSQL: String { ranges.map { "(\($0.first.sql), \($0.last.sql))" }.joined(separator: ", ") }
}

extension [Int64] {
    /// An SQL expression of type bigint[].
    var arraySQL: String {
        var text = "'{"
        for (index, id) in enumerated() {
            if index > 0 { text += "," }
            text += String(id)
        }
        return text + "}'::bigint[]"
    }
}

/// A time as microseconds since the Unix epoch, as an SQL expression: what does not fit becomes the nearest that does,
/// as in ``EventBatch/createdAt``.
func microsecondsSQL(_ time: String) -> String {
    "least(greatest(extract(epoch FROM \(time)) * 1000000, -9223372036854775808), 9223372036854775807)::bigint"
}
