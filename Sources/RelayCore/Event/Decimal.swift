/// Whole numbers as decimal digits.
enum Decimal {
    /// Writes the last `width` digits of a number, with zeros in front.
    static func write(_ number: UInt64, width: Int, to target: UnsafeMutableRawPointer) {
        var rest = number
        var position = width
        while position > 0 {
            position -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            target.storeBytes(
                of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit), toByteOffset: position, as: UInt8.self)
            rest = quotient
        }
    }

    /// How many digits a number has; 0 has one.
    static func width(_ number: UInt64) -> Int {
        var width = 1
        var rest = number / 10
        while rest > 0 {
            width += 1
            rest /= 10
        }
        return width
    }
}
