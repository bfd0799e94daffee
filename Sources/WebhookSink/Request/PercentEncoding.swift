/// Attribute values as the CloudEvents HTTP binding 1.0.2 puts them into headers (section 3.1.3.2): everything but
/// printable ASCII is percent-encoded byte by byte, as are blanks, quotes and the percent sign.
enum PercentEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    static func encode(_ value: [UInt8]) -> String {
        if value.allSatisfy(isPlain) { return String(decoding: value, as: UTF8.self) }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(value.count * 2)
        for byte in value {
            if isPlain(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x22, 0x25: false
        case 0x21...0x7E: true
        default: false
        }
    }
}
