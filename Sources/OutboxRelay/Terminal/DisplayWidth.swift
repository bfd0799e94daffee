/// How wide a text is on a terminal, whose columns hold one letter each, or half of a wide one.
extension String {
    /// The columns that it takes.
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// The text, or as much of it as fits with a mark that something is missing.
    ///
    /// - Parameter width: columns.
    func fitted(to width: Int) -> String {
        guard columns > width else { return self }
        guard width > 0 else { return "" }
        var kept = ""
        var room = width - 1
        for character in self {
            room -= character.columns
            if room < 0 { break }
            kept.append(character)
        }
        return kept + "…"
    }

    /// The text with blanks up to a width, behind it or before it.
    func padded(to width: Int, atEnd: Bool = true) -> String {
        let blanks = String(repeating: " ", count: max(0, width - columns))
        return atEnd ? self + blanks : blanks + self
    }
}

extension Character {
    /// The columns that it takes: 0, 1 or 2.
    var columns: Int {
        // What is asked to look like a picture is one, whatever it is made of (Unicode Technical Standard 51, 2.2).
        if unicodeScalars.count > 1, unicodeScalars.contains("\u{FE0F}") { return 2 }
        return unicodeScalars.first?.columns ?? 0
    }
}

extension Unicode.Scalar {
    fileprivate var columns: Int {
        switch properties.generalCategory {
        case .control, .format, .nonspacingMark, .enclosingMark, .lineSeparator, .paragraphSeparator: 0
        default: isWide || properties.isEmojiPresentation ? 2 : 1
        }
    }

    private var isWide: Bool {
        guard value >= 0x1100 else { return false }
        return Self.wide.contains { $0.contains(value) }
    }

    /// What is wide or full-width in East Asian Width (Unicode Standard Annex 11), without pictures.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FB,
        0x1F200...0x1F251, 0x20000...0x3FFFD,
    ]
}
