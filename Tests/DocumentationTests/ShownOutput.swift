/// What a document shows as a command's output. `…` stands for anything in its line, and alone on a line for any lines.
struct ShownOutput {
    private let lines: [String]

    init(_ text: String) { lines = Self.lines(of: text) }

    /// Whether a command printed this; blanks at the ends of lines and empty lines at the end do not count.
    func matches(_ output: String) -> Bool { Self.match(lines[...], Self.lines(of: output)[...]) }

    private static func lines(of text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return String(line)
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func match(_ shown: ArraySlice<String>, _ printed: ArraySlice<String>) -> Bool {
        guard let first = shown.first else { return printed.isEmpty }
        let rest = shown.dropFirst()
        if first == "…" {
            return (printed.startIndex...printed.endIndex).contains { match(rest, printed[$0...]) }
        }
        guard let line = printed.first, covers(first, line) else { return false }
        return match(rest, printed.dropFirst())
    }

    private static func covers(_ shown: String, _ line: String) -> Bool {
        var pieces = shown.split(separator: "…", omittingEmptySubsequences: false)[...]
        guard pieces.count > 1, let first = pieces.popFirst(), let last = pieces.popLast() else { return shown == line }
        guard line.hasPrefix(first) else { return false }
        var rest = line.dropFirst(first.count)
        for piece in pieces where !piece.isEmpty {
            guard let found = rest.firstRange(of: piece) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(last)
    }
}
