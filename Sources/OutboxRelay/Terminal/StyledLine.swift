/// How a piece of a line looks where there are colours. What a colour says, the words say as well.
enum TextStyle: Sendable, Hashable {
    case plain, heading, faint, good, warning, bad

    /// Select Graphic Rendition (ECMA-48, 8.3.117); nil where nothing is to be selected.
    fileprivate var code: String? {
        switch self {
        case .plain: nil
        case .heading: "1"
        case .faint: "2"
        case .good: "32"
        case .warning: "33"
        case .bad: "31"
        }
    }
}

/// A line for people: pieces of text, each in a style.
struct StyledLine: Sendable, Hashable {
    struct Piece: Sendable, Hashable {
        var text: String
        var style: TextStyle
    }

    private(set) var pieces: [Piece] = []

    init() {}

    init(_ text: String, _ style: TextStyle = .plain) {
        append(text, style)
    }

    mutating func append(_ text: String, _ style: TextStyle = .plain) {
        if !text.isEmpty { pieces.append(Piece(text: text, style: style)) }
    }

    /// The columns that it takes.
    var columns: Int { pieces.reduce(0) { $0 + $1.text.columns } }

    /// The line, or as much of it as fits with a mark that something is missing.
    ///
    /// - Parameter width: columns.
    func fitted(to width: Int) -> StyledLine {
        guard columns > width else { return self }
        guard width > 0 else { return StyledLine() }
        var line = StyledLine()
        var room = width - 1
        for piece in pieces where room >= 0 {
            var kept = ""
            for character in piece.text {
                room -= character.columns
                if room < 0 { break }
                kept.append(character)
            }
            line.append(kept, piece.style)
        }
        line.append("…")
        return line
    }

    /// The text, with or without colours; no line end.
    func text(colours: Bool) -> String {
        pieces.map { piece in
            guard colours, let code = piece.style.code else { return piece.text }
            return "\u{1B}[\(code)m\(piece.text)\u{1B}[0m"
        }.joined()
    }
}
