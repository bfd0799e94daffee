import RelayObservability
import Synchronization

/// A line on the terminal that says how far something long is: count, percent, rate, remaining time. It is drawn again
/// at most ten times a second, and cleared at the end. Without a terminal at standard error nothing is shown.
///
/// While it stands, everything else that goes to standard error goes through ``say(_:)``.
final class ProgressLine: Sendable {
    private struct State {
        let unit: ProgressUnit
        var total: Int64?
        var count: Int64 = 0
        var pace = ProgressPace()
        var drawn: ContinuousClock.Instant?
        /// What stands on the terminal.
        var shown = ""
        var hasEnded = false
    }

    /// Pause between two drawings.
    private static let pause = Duration.milliseconds(100)
    /// To the line's beginning, and clear it.
    static let clear = "\r\u{1B}[K"

    /// Whether anything is drawn.
    let isShown: Bool
    private let output: TerminalOutput
    private let write: @Sendable (String) -> Void
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameters:
    ///   - total: of what is counted, where it is known.
    ///   - unit: a plural, such as `"events"`, or bytes.
    ///   - isWanted: false where it would disturb: with `--json`, say.
    ///   - output: the terminal.
    ///   - write: takes what is to be written there, and never waits.
    init(
        total: Int64?, unit: ProgressUnit, isWanted: Bool = true, on output: TerminalOutput = .standardError,
        write: @escaping @Sendable (String) -> Void = RelayLogHandler.writeToStderr
    ) {
        isShown = isWanted && output.canRedraw
        self.output = output
        self.write = write
        state = Mutex(State(unit: unit, total: total))
    }

    /// So much is done.
    ///
    /// - Parameter fraction: of the whole, 0 to 1, where something tells it better than count and total.
    func advance(to count: Int64, fraction: Double? = nil) {
        guard isShown else { return }
        state.withLock { note(count, fraction, &$0) }
    }

    /// So much more is done.
    func advance(by more: Int64) {
        guard isShown else { return }
        state.withLock { note($0.count + more, nil, &$0) }
    }

    /// The total became known, or is another by now.
    func expect(_ total: Int64) {
        guard isShown else { return }
        state.withLock { $0.total = total }
    }

    /// Writes a line with its end to standard error; the progress is below it.
    func say(_ line: String) {
        guard isShown else { return write(line) }
        state.withLock { write($0.shown.isEmpty ? line : Self.clear + line + $0.shown) }
    }

    /// Clears the line, before anything else is written to the terminal; nothing is drawn any more.
    func finish() {
        guard isShown else { return }
        state.withLock { state in
            if !state.shown.isEmpty { write(Self.clear) }
            state.shown = ""
            state.hasEnded = true
        }
        LogOutput.standardError.drain(within: .milliseconds(500))
    }

    private func note(_ count: Int64, _ given: Double?, _ state: inout State) {
        let now = ContinuousClock.now
        let fraction = given ?? state.total.map { $0 > 0 ? min(1, Double(count) / Double($0)) : 1 }
        state.count = count
        state.pace.note(count, fraction, at: now - start)
        if state.hasEnded { return }
        if let drawn = state.drawn, now - drawn < Self.pause { return }
        state.drawn = now
        let text = ProgressText(
            unit: state.unit, count: count, total: state.total, fraction: fraction, perSecond: state.pace.perSecond,
            remaining: state.pace.remaining
                // The last column is left free: some terminals go on to the next line once it is taken.
        ).text(columns: output.size.columns - 1)
        guard text != state.shown else { return }
        state.shown = text
        write(Self.clear + text)
    }
}
