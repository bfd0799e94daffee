/// What these tests look at in a Markdown file.
struct Markdown {
    /// A block between lines of three backquotes.
    struct Fence {
        /// What stands behind the backquotes: `sh`, `text`, …
        let language: String
        let text: String
        /// The line on which it begins, from 1.
        let line: Int
    }

    private(set) var fences: [Fence] = []
    /// The lines outside of fences, with their numbers from 1.
    private(set) var prose: [(number: Int, text: Substring)] = []

    init(_ text: String) {
        var open: (language: String, line: Int, lines: [Substring])?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard line.hasPrefix("```") else {
                if open == nil { prose.append((index + 1, line)) } else { open?.lines.append(line) }
                continue
            }
            if let fence = open {
                fences.append(
                    Fence(language: fence.language, text: fence.lines.joined(separator: "\n"), line: fence.line))
                open = nil
            } else {
                open = (String(line.dropFirst(3)), index + 1, [])
            }
        }
    }

    /// The anchors of its headings, as GitHub makes them: lower case, no punctuation, hyphens for blanks, and a number for one
    /// that is there already.
    var anchors: Set<String> {
        var anchors: Set<String> = []
        for (_, line) in prose where line.hasPrefix("#") {
            let title = line.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
            let kept = title.filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
            let anchor = String(kept.map { $0 == " " ? "-" : $0 })
            let taken = (1...).lazy.map { "\(anchor)-\($0)" }.first { !anchors.contains($0) }
            anchors.insert(anchors.contains(anchor) ? taken ?? anchor : anchor)
        }
        return anchors
    }

    /// The targets of its links, `[text](target)`, with their lines. What is in backquotes is code, and no link.
    var links: [(line: Int, target: String)] {
        prose.flatMap { number, line in
            let words = line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .map { $0.offset.isMultiple(of: 2) ? String($0.element) : "" }.joined()
            return words.matches(of: /\]\(([^)\s]+)\)/).map { (number, String($0.1)) }
        }
    }

    /// The first cells of the rows of all tables under a heading, up to the next heading of its level or a higher one.
    func rows(under heading: String) -> [[String]] {
        let level = heading.prefix { $0 == "#" }.count
        let section = prose.drop { $0.text != heading }.dropFirst().prefix { _, line in
            let depth = line.prefix { $0 == "#" }.count
            return depth == 0 || depth > level
        }
        return section.map(\.text).filter { $0.hasPrefix("| ") }.map(Self.cells)
    }

    private static func cells(_ row: Substring) -> [String] {
        // A bar that is part of a cell is escaped.
        let text = row.replacing("\\|", with: "\u{1}")
        return text.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map {
            $0.replacing("\u{1}", with: "|").drop { $0 == " " }.trimmingSuffix { $0 == " " }
        }
    }
}

extension Substring {
    /// Without the last characters that are such.
    fileprivate func trimmingSuffix(_ isDropped: (Character) -> Bool) -> String {
        var rest = self
        while let last = rest.last, isDropped(last) { rest.removeLast() }
        return String(rest)
    }
}

extension String {
    /// The words in backquotes.
    var codes: [String] {
        split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    }
}
