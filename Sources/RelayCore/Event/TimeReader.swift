/// Reads the parts of a printed `timestamptz`, one after the other.
struct TimeReader {
    let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// `infinity` or `-infinity`, which PostgreSQL's timestamps know, as the farthest point in time.
    func infinity() -> Int64? {
        guard let first = bytes.first, first == UInt8(ascii: "i") || first == UInt8(ascii: "-") else { return nil }
        if bytes.elementsEqual("infinity".utf8) { return .max }
        return bytes.elementsEqual("-infinity".utf8) ? .min : nil
    }

    /// Passes one character, if it is here.
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    /// A year of 4 to 6 digits, a month and a day.
    mutating func date() -> CivilDate? {
        guard let year = number(digits: 4...6), skip("-"), let month = number(digits: 2...2), 1...12 ~= month,
            skip("-"), let day = number(digits: 2...2), 1...31 ~= day
        else { return nil }
        return CivilDate(year: year, month: month, day: day)
    }

    /// Hours, minutes, seconds and a fraction of up to six digits.
    mutating func clock() -> (seconds: Int64, microseconds: Int64)? {
        guard let hour = number(digits: 2...2), skip(":"), let minute = number(digits: 2...2), skip(":"),
            let second = number(digits: 2...2), hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if skip(".") {
            let start = position
            guard let digits = number(digits: 1...6) else { return nil }
            fraction = digits
            // PostgreSQL drops trailing zeros.
            for _ in position - start..<6 { fraction *= 10 }
        }
        return (hour * 3600 + minute * 60 + second, fraction)
    }

    /// How far the printed time is ahead of UTC, in seconds: `+00`, `-03:30`, `+00:53:28`.
    mutating func offset() -> Int64? {
        let sign: Int64
        if skip("+") {
            sign = 1
        } else if skip("-") {
            sign = -1
        } else {
            return nil
        }
        guard let hours = number(digits: 2...2) else { return nil }
        guard skip(":") else { return sign * hours * 3600 }
        guard let minutes = number(digits: 2...2), minutes < 60 else { return nil }
        guard skip(":") else { return sign * (hours * 3600 + minutes * 60) }
        guard let seconds = number(digits: 2...2), seconds < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60 + seconds)
    }

    /// The end of the text: whether it says ` BC`; `nil` where something else stands there.
    mutating func era() -> Bool? {
        if position == bytes.count { return false }
        guard skip(" "), skip("B"), skip("C"), position == bytes.count else { return nil }
        return true
    }

    private mutating func number(digits: ClosedRange<Int>) -> Int64? {
        var value: Int64 = 0
        var count = 0
        while count < digits.upperBound, position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            value = value * 10 + Int64(digit)
            position += 1
            count += 1
        }
        return count >= digits.lowerBound ? value : nil
    }
}
