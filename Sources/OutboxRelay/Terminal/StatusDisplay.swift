import PostgresOutbox
import RelayConfiguration
import RelayObservability
import RelaySight
import Synchronization

/// Where `status --watch` shows what it reads: in one place of a terminal, or one below the other.
final class StatusDisplay: Sendable {
    private let asJSON: Bool
    private let output: TerminalOutput
    /// Nil where nothing can be drawn again, or is not to be.
    private let block: LiveBlock?
    private let heading: StyledLine
    private let last = Mutex<[StyledLine]>([])

    init(asJSON: Bool, every interval: Duration, on output: TerminalOutput = .standardOutput) {
        self.asJSON = asJSON
        self.output = output
        block = output.canRedraw && !asJSON ? LiveBlock(on: output) : nil
        heading = StyledLine("outbox-relay status, every \(interval.configured); Ctrl-C ends it", .faint)
    }

    /// - Returns: false where nobody looks.
    func show(_ status: RelayStatus) -> Bool {
        guard let block else {
            if output.isClosed { return false }
            let text = asJSON ? status.json.text : status.text(colours: output.hasColours) + "\n"
            return output.write(text + "\n")
        }
        let lines = [heading, StyledLine()] + status.lines
        last.withLock { $0 = lines }
        return block.draw(lines)
    }

    /// Says why there is nothing new, below what was shown last.
    func tell(_ sentence: String) {
        guard let block else {
            return RelayLogHandler.writeToStderr("outbox-relay: \(oneLine(sentence))\n")
        }
        let lines = last.withLock(\.self)
        _ = block.draw(lines + [StyledLine(), StyledLine(oneLine(sentence), .bad)])
    }

    /// Leaves the terminal as it was.
    func end() { block?.end() }
}

extension RelayStatus {
    /// The lines, without an end behind the last.
    func text(colours: Bool) -> String {
        lines.map { $0.text(colours: colours) }.joined(separator: "\n")
    }
}
