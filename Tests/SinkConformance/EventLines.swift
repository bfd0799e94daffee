import RelayTestKit

/// The ids of the events in a stretch of JSON lines, in their order; a last line without its end counts for nothing.
///
/// - Throws: where a line is not an event's.
package func eventIDs(inLines bytes: [UInt8]) throws -> [Int64] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    lines.removeLast()
    return try lines.map { line in
        let beginning = #"{"specversion":"1.0","id":""#
        let digits = line.dropFirst(beginning.utf8.count).prefix { $0 != UInt8(ascii: "\"") }
        guard line.starts(with: beginning.utf8), line.last == UInt8(ascii: "}"),
            let id = Int64(String(decoding: digits, as: UTF8.self))
        else { throw KitFailure("a line that is not an event's: \(String(decoding: line.prefix(200), as: UTF8.self))") }
        return id
    }
}
