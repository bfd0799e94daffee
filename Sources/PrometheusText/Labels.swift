/// The labels of one series: `{sink="stdout",outcome="delivered"}`.
struct Labels: Hashable, Comparable {
    private let text: String

    init(_ dimensions: [(String, String)]) {
        text = dimensions.map { "\($0.0)=\"\(Self.escaped($0.1).replacing("\"", with: "\\\""))\"" }.joined(
            separator: ",")
    }

    /// With one more label behind them, or in front of nothing.
    func text(with more: String? = nil) -> String {
        let all = [text, more ?? ""].filter { !$0.isEmpty }.joined(separator: ",")
        return all.isEmpty ? "" : "{\(all)}"
    }

    static func < (left: Labels, right: Labels) -> Bool { left.text < right.text }

    /// As the format wants backslashes and line ends.
    static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }
}
