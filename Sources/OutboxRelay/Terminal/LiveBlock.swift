import Synchronization

/// A block of lines on the terminal that is drawn again in its place. The cursor is hidden meanwhile.
final class LiveBlock: Sendable {
    private struct State {
        /// Lines that stand on the terminal; the cursor is below them.
        var height = 0
        var cursorIsHidden = false
        var hasEnded = false
    }

    private let output: TerminalOutput
    private let state = Mutex(State())

    init(on output: TerminalOutput) {
        self.output = output
    }

    /// Draws these lines instead of those before.
    ///
    /// - Returns: false where nobody sees it any more.
    func draw(_ lines: [StyledLine]) -> Bool {
        let (columns, rows) = output.size
        return state.withLock { state in
            guard !state.hasEnded else { return true }
            let shown = Self.fitted(lines, columns: columns, rows: rows)
            let hiding = state.cursorIsHidden ? "" : "\u{1B}[?25l"
            let text = hiding + Self.frame(shown, over: state.height, colours: output.hasColours)
            state.height = shown.count
            state.cursorIsHidden = true
            return output.write(text)
        }
    }

    /// Gives the cursor back, below the lines; nothing is drawn any more.
    func end() {
        state.withLock { state in
            if state.cursorIsHidden { _ = output.write("\u{1B}[?25h") }
            state.cursorIsHidden = false
            state.hasEnded = true
        }
    }

    /// As many of the lines as have room above the cursor, each within the width: else the terminal would move them,
    /// and they could not be drawn over.
    static func fitted(_ lines: [StyledLine], columns: Int, rows: Int) -> [StyledLine] {
        let room = max(1, rows - 1)
        var shown = lines
        if lines.count > room {
            shown = Array(lines.prefix(room - 1))
            shown.append(StyledLine("… \(lines.count - room + 1) more lines", .faint))
        }
        return shown.map { $0.fitted(to: columns - 1) }
    }

    /// What draws these lines over a block of a height (ECMA-48: CUU, EL and ED).
    static func frame(_ lines: [StyledLine], over height: Int, colours: Bool) -> String {
        let up = height > 0 ? "\r\u{1B}[\(height)A" : ""
        return up + lines.map { $0.text(colours: colours) + "\u{1B}[K\r\n" }.joined() + "\u{1B}[J"
    }
}
