/// Changes inputs as a fuzzer does, by numbers that a seed gives.
package struct Mutation: Sendable {
    private let corpus: [[UInt8]]
    private let longest: Int

    /// Pieces that mean something to one of the formats.
    private static let words = [
        "\"", "\\", "\\u", "\\ud800", "{", "}", "[", "]", ":", ",", "\n", "\r", "\0", "%", "@", "/", "=", "'", " ", "-",
        "+",
        "9223372036854775807", "-9223372036854775808", "18446744073709551616", "\",\"data\":", "\"id\":\"", "null",
        "GMT",
        "infinity", " BC", "&a", "*a", "<<", "!!", "|", "---", "\u{202E}", "é", "\u{FFFD}",
    ].map { Array($0.utf8) }

    /// - Parameter longest: the longest input, in bytes.
    package init(_ corpus: [[UInt8]], longest: Int) {
        self.corpus = corpus.isEmpty ? [[]] : corpus
        self.longest = longest
    }

    /// The next input.
    package func input(using random: inout some RandomNumberGenerator) -> [UInt8] {
        var bytes = corpus[Int.random(in: 0..<corpus.count, using: &random)]
        for _ in 0..<Int.random(in: 1...6, using: &random) { change(&bytes, using: &random) }
        return Array(bytes.prefix(longest))
    }

    private func change(_ bytes: inout [UInt8], using random: inout some RandomNumberGenerator) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let end = Int.random(in: place...bytes.count, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where place < bytes.count:
            bytes[place] = [0, 0x7F, 0x80, 0xFF, 0x0A, 0x22].randomElement(using: &random) ?? 0
        case 2: bytes.removeSubrange(place..<min(end, place + 8))
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: Self.words.randomElement(using: &random) ?? [], at: place)
        case 5: bytes.insert(contentsOf: bytes[place..<min(end, place + 64)], at: place)
        case 6:
            let other = corpus[Int.random(in: 0..<corpus.count, using: &random)]
            let start = Int.random(in: 0...other.count, using: &random)
            bytes = Array(bytes.prefix(place)) + other[start...]
        default: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
        }
    }
}
