/// A text in which `*` stands for any run of bytes, also an empty one; everything else stands for itself.
///
/// It is taken apart once. Matching goes through the text from left to right and never back: what is between two
/// stars is searched for at its first place, behind which there is the most room for the rest.
package struct EventPattern: Sendable, Hashable {
    /// What is before the first star; without a star, all.
    private let head: [UInt8]
    /// What is between two stars, in order; never empty.
    private let middle: [[UInt8]]
    /// What is behind the last star; `nil` where there is no star.
    private let tail: [UInt8]?

    /// Takes a pattern apart.
    package init(_ pattern: String) {
        let pieces = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
        head = pieces.first ?? []
        tail = pieces.count > 1 ? pieces.last : nil
        middle = pieces.dropFirst().dropLast().filter { !$0.isEmpty }
    }

    /// Whether the whole text is of the pattern.
    package func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let tail else { return text.elementsEqual(head) }
        guard text.count >= head.count + tail.count, text.starts(with: head),
            text.suffix(tail.count).elementsEqual(tail)
        else { return false }
        var rest = UnsafeRawBufferPointer(rebasing: text[head.count..<text.count - tail.count])
        for piece in middle {
            guard let start = Self.find(piece, in: rest) else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[(start + piece.count)...])
        }
        return true
    }

    /// Where a piece is found first.
    private static func find(_ piece: [UInt8], in text: UnsafeRawBufferPointer) -> Int? {
        guard let first = piece.first, text.count >= piece.count else { return nil }
        return (0...text.count - piece.count).first { start in
            text[start] == first && text[start..<start + piece.count].elementsEqual(piece)
        }
    }
}
