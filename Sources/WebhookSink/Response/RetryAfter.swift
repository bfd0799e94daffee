import RelayCore

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date in one of the three forms of section 5.6.7.
package enum RetryAfter {
    /// The longest wait that is granted, in seconds: asking again costs one request.
    package static let limit: Int64 = 3600

    /// - Parameters:
    ///   - text: The header's value.
    ///   - now: Seconds since 1970.
    /// - Returns: The wait, at most ``limit``; nil where the value is neither form.
    package static func parse(_ text: String, now: Int64) -> Duration? {
        let words = text.split(separator: " ")
        if words.count == 1, words[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // More digits than a number has are more than the limit.
            return .seconds(min(Int64(words[0]) ?? limit, limit))
        }
        guard let time = date(words, now: now) else { return nil }
        return .seconds(min(max(time - now, 0), limit))
    }

    private static func date(_ words: [Substring], now: Int64) -> Int64? {
        switch words.count {
        case 6 where words[5] == "GMT":
            // Sun, 06 Nov 1994 08:49:37 GMT
            return time(day: words[1], month: words[2], year: Int64(words[3]), clock: words[4])
        case 4 where words[3] == "GMT":
            // Sunday, 06-Nov-94 08:49:37 GMT
            let parts = words[1].split(separator: "-")
            guard parts.count == 3, parts[2].count == 2, let short = Int64(parts[2]) else { return nil }
            return time(day: parts[0], month: parts[1], year: year(short, now: now), clock: words[2])
        case 5:
            // Sun Nov  6 08:49:37 1994
            return time(day: words[2], month: words[1], year: Int64(words[4]), clock: words[3])
        default:
            return nil
        }
    }

    /// Two digits that would lie more than 50 years ahead mean the century before.
    private static func year(_ short: Int64, now: Int64) -> Int64 {
        let current = 1970 + now / 31_556_952
        let year = current / 100 * 100 + short
        return year > current + 50 ? year - 100 : year
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func time(day: Substring, month: Substring, year: Int64?, clock: Substring) -> Int64? {
        let parts = clock.split(separator: ":").map { Int64($0) }
        guard let day = Int64(day), (1...31).contains(day), let month = months.firstIndex(of: String(month)),
            let year, (1970...9999).contains(year), parts.count == 3, let hour = parts[0], (0...23).contains(hour),
            let minute = parts[1], (0...59).contains(minute), let second = parts[2], (0...60).contains(second)
        else { return nil }
        let date = CivilDate(year: year, month: Int64(month) + 1, day: day)
        return date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second
    }
}
