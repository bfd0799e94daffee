import Glibc

/// A range of addresses, like `10.0.0.0/8` or `fd00::/8`.
struct Network: Sendable, Hashable {
    private let address: [UInt8]
    private let bits: Int

    init?(_ text: Substring) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = Self.bytes(String(parts[0])), let bits = Int(parts[1]),
            (0...address.count * 8).contains(bits)
        else { return nil }
        self.address = address
        self.bits = bits
    }

    /// Whether a host is an address of the network; names are not looked up.
    func contains(_ host: String) -> Bool {
        guard let other = Self.bytes(host), other.count == address.count else { return false }
        let whole = bits / 8
        guard other.prefix(whole) == address.prefix(whole) else { return false }
        if bits % 8 == 0 { return true }
        return (other[whole] ^ address[whole]) >> (8 - bits % 8) == 0
    }

    /// An address as bytes, 4 or 16; nil where the text is none.
    static func bytes(_ text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var address = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &address) == 1 { return address }
        }
        return nil
    }
}
