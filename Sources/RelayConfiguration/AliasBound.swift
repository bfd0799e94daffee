private import Foundation

/// What the anchors and aliases of a YAML text may stand for at the worst, told without parsing it: the parser puts in
/// for each alias what it stands for, and compares and hashes that where it is a key, so that a few lines of aliases to
/// aliases ("a billion laughs") keep it busy for ever.
struct AliasBound {
    /// Bytes that a text may stand for, at the worst.
    static let limit = 1e9

    private(set) var anchors = 0
    private(set) var aliases = 0
    private let bytes: Int

    /// Counts what may be an anchor or an alias; what only looks like one, in a comment say, counts too.
    init(of yaml: String) {
        var before = UInt8(ascii: "\n")
        var mark: UInt8?
        for byte in yaml.utf8 {
            if let mark, Self.isName(byte) {
                if mark == UInt8(ascii: "&") { anchors += 1 } else { aliases += 1 }
            }
            let isMark = byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")
            mark = isMark && Self.maySeparate(before) ? byte : nil
            before = byte
        }
        bytes = yaml.utf8.count
    }

    /// Whether it may stand for more than is read.
    var isTooMuch: Bool { worstFactor * Double(bytes) > Self.limit }

    /// How often the text may stand for itself: aliases are worth most where they are spread evenly over a chain of
    /// anchors, each of which stands for the one before.
    private var worstFactor: Double {
        let chains = 1...max(1, min(anchors, aliases))
        return chains.map { pow(Double(aliases) / Double($0) + 1, Double($0)) }.max() ?? 1
    }

    /// What libyaml takes for a part of an anchor's name.
    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// What may be before an anchor or an alias.
    private static func maySeparate(_ byte: UInt8) -> Bool { byte <= 0x20 || "[{,:?-\u{FEFF}".utf8.contains(byte) }
}
