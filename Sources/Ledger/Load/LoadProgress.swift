import Glibc

/// A line on the terminal that says how far a load is, written anew each second and cleared at the end.
struct LoadProgress: Sendable {
    let tally: LoadTally
    let pace: LoadPace

    /// To the line's beginning, and clear it.
    private static let clear = "\r\u{1B}[K"

    /// Whether somebody would see it.
    static var isSeen: Bool { isatty(STDERR_FILENO) == 1 }

    /// Shows it until the task is cancelled.
    func show() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            Self.write(Self.clear + tally.summary.progress(after: pace.elapsed))
        }
        Self.write(Self.clear)
    }

    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
