/// A point in time as PostgreSQL prints a `timestamptz` in ISO style, read and written without a calendar library.
///
/// Formats: PostgreSQL documentation 8.5.2 "Date/Time Output"; RFC 3339.
package struct EventTime: Sendable, Hashable {
    /// Microseconds since 1970-01-01 00:00 UTC, or the nearest `Int64` has.
    package let microseconds: Int64

    /// Names a point in time; every count is one.
    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Reads `2026-11-20 22:16:30.213327+00`: 4 to 6 digits of year, a fraction of 1 to 6 digits or none, an offset
    /// from UTC of hours, minutes and seconds, perhaps ` BC`; or `infinity` and `-infinity`. `nil` is anything else.
    package init?(_ text: UnsafeRawBufferPointer) {
        var reader = TimeReader(bytes: text)
        if let infinite = reader.infinity() {
            self.init(microseconds: infinite)
            return
        }
        guard var date = reader.date(), reader.skip(" "), let clock = reader.clock(), let offset = reader.offset(),
            let isBeforeChrist = reader.era()
        else { return nil }
        // Before Christ the years count backwards from 1, and the astronomers' year 0 is 1 BC.
        if isBeforeChrist { date.year = 1 - date.year }
        self.init(date: date, clock: clock, offset: offset)
    }

    /// Reads what ``write(to:)`` wrote, as it is in an event's line. `nil` is anything else.
    init?(envelope text: UnsafeRawBufferPointer) {
        var reader = TimeReader(bytes: text)
        guard text.count == Self.width, let date = reader.date(), date.year > 0, reader.skip("T"),
            let clock = reader.clock(), reader.skip("Z")
        else { return nil }
        self.init(date: date, clock: clock, offset: 0)
        // No 31st of February and no 60th second are ever written.
        guard let written = self.text, text.elementsEqual(written.utf8) else { return nil }
    }

    private init(date: CivilDate, clock: (seconds: Int64, microseconds: Int64), offset: Int64) {
        let seconds = date.daysSince1970 * 86_400 + clock.seconds - offset
        // PostgreSQL counts from 2000: its last 30 years do not fit a count from 1970.
        let (scaled, tooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflow) = scaled.addingReportingOverflow(clock.microseconds)
        microseconds = tooLarge || overflow ? (seconds < 0 ? .min : .max) : sum
    }

    /// The first and the last microsecond that RFC 3339 can write with a year from 1.
    private static let writable: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    /// Whether it lies in the years 1 to 9999, and so is in the event's line.
    package var isWritable: Bool { Self.writable.contains(microseconds) }

    /// How many bytes ``write(to:)`` writes.
    static let width = 27

    /// Writes `2026-11-20T22:16:30.213327Z`; only for what is writable.
    func write(to target: UnsafeMutableRawPointer) {
        // Shifted to a count from 0001-01-01, which is day -719,162, everything is positive.
        let shifted = UInt64(bitPattern: microseconds &- Self.writable.lowerBound)
        let (seconds, fraction) = shifted.quotientAndRemainder(dividingBy: 1_000_000)
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = CivilDate(daysSince1970: Int64(days) - 719_162)
        Decimal.write(UInt64(date.year), width: 4, to: target)
        target.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 4, as: UInt8.self)
        Decimal.write(UInt64(date.month), width: 2, to: target + 5)
        target.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 7, as: UInt8.self)
        Decimal.write(UInt64(date.day), width: 2, to: target + 8)
        target.storeBytes(of: UInt8(ascii: "T"), toByteOffset: 10, as: UInt8.self)
        Decimal.write(second / 3600, width: 2, to: target + 11)
        target.storeBytes(of: UInt8(ascii: ":"), toByteOffset: 13, as: UInt8.self)
        Decimal.write(second / 60 % 60, width: 2, to: target + 14)
        target.storeBytes(of: UInt8(ascii: ":"), toByteOffset: 16, as: UInt8.self)
        Decimal.write(second % 60, width: 2, to: target + 17)
        target.storeBytes(of: UInt8(ascii: "."), toByteOffset: 19, as: UInt8.self)
        Decimal.write(fraction, width: 6, to: target + 20)
        target.storeBytes(of: UInt8(ascii: "Z"), toByteOffset: 26, as: UInt8.self)
    }

    /// As ``write(to:)`` writes it; `nil` where that cannot be.
    package var text: String? {
        guard isWritable else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: Self.width, alignment: 1) { buffer in
            buffer.baseAddress.map { start in
                write(to: start)
                return String(decoding: buffer, as: UTF8.self)
            }
        }
    }
}
