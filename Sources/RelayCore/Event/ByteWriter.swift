import Glibc

/// Writes one behind the other into memory that was reserved for all of it.
struct ByteWriter {
    /// Where the next byte goes.
    private(set) var end: UnsafeMutableRawPointer

    init(end: UnsafeMutableRawPointer) {
        self.end = end
    }

    mutating func write(_ text: StaticString) {
        memcpy(end, text.utf8Start, text.utf8CodeUnitCount)
        end += text.utf8CodeUnitCount
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        memcpy(end, source, bytes.count)
        end += bytes.count
    }

    /// Writes a text as the inside of a JSON string.
    mutating func writeEscaped(_ text: UnsafeRawBufferPointer) {
        end = JSONEscape.write(text, to: end)
    }

    /// Writes a number in as few digits as it has.
    mutating func write(_ number: Int64) {
        if number < 0 { write("-") }
        let magnitude = number.magnitude
        write(magnitude, width: Decimal.width(magnitude))
    }

    /// Writes a number with zeros in front.
    mutating func write(_ number: UInt64, width: Int) {
        Decimal.write(number, width: width, to: end)
        end += width
    }

    mutating func write(_ time: EventTime) {
        time.write(to: end)
        end += EventTime.width
    }

    /// Goes on from where something else wrote to.
    mutating func advance(to end: UnsafeMutableRawPointer) {
        self.end = end
    }
}

/// Bytes compared as unsigned numbers, the shorter of two that begin alike being the first.
enum ByteOrder {
    static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
        return memcmp(leftBase, rightBase, left.count) == 0
    }

    static func precedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else {
            return left.count < right.count
        }
        let order = memcmp(leftBase, rightBase, min(left.count, right.count))
        return order == 0 ? left.count < right.count : order < 0
    }
}
