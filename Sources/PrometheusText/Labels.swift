/// The labels of one series: `{sink="stdout",outcome="delivered"}`.
struct Labels: Hashable, Comparable {
    private let text: String

    init(_ dimensions: [(String, String)]) {
        text = dimensions.map { "\($0.0)=\"\(Self.escaped($0.1).replacing("\"", with: "\\\""))\"" }.joined(
            separator: ",")
    }

    private init(text: String) {
        self.text = text
    }

    /// These, followed by others.
    func followed(by others: Labels) -> Labels {
        if text.isEmpty { return others }
        return others.text.isEmpty ? self : Labels(text: "\(text),\(others.text)")
    }

    /// In braces, with one more label behind them; nothing where there is none at all.
    func write(with more: String = "", to output: inout String) {
        guard !text.isEmpty || !more.isEmpty else { return }
        output += "{"
        output += text
        if !text.isEmpty, !more.isEmpty { output += "," }
        output += more
        output += "}"
    }

    static func < (left: Labels, right: Labels) -> Bool { left.text < right.text }

    /// As the format wants backslashes and line ends.
    static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }
}
