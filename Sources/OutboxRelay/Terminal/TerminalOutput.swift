import Foundation
import Glibc

/// A descriptor that a person may be looking at, and what can be shown there.
struct TerminalOutput: Sendable {
    static let standardOutput = TerminalOutput(STDOUT_FILENO)
    static let standardError = TerminalOutput(STDERR_FILENO)

    let descriptor: Int32
    let isTerminal: Bool
    /// Whether what stands there can be drawn once more: it is a terminal, and not a dumb one.
    let canRedraw: Bool
    /// Whether there may be colours: `NO_COLOR` of any value but the empty one turns them off (no-color.org).
    let hasColours: Bool

    /// - Parameter isTerminal: whether the descriptor is one; nil asks it.
    init(
        _ descriptor: Int32, isTerminal: Bool? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.descriptor = descriptor
        self.isTerminal = isTerminal ?? (isatty(descriptor) == 1)
        // A terminal of which nothing is known is taken for one that can do nothing.
        let kind = environment["TERM"] ?? ""
        canRedraw = self.isTerminal && !kind.isEmpty && kind != "dumb"
        hasColours = canRedraw && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// Columns and rows at this moment; 80 and 24 where the terminal does not say (TIOCGWINSZ of ioctl_tty(2)).
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return (80, 24) }
        return (size.ws_col > 0 ? Int(size.ws_col) : 80, size.ws_row > 0 ? Int(size.ws_row) : 24)
    }

    /// Writes all of a text, and waits for room where there is none: for commands, which have nothing else to do.
    ///
    /// - Returns: whether somebody took it; not where the reader is gone, or the disk is full.
    func write(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
                } else if written == 0 || !mayGoOn(after: errno) {
                    return false
                }
            }
            return true
        }
    }

    /// Whether whoever reads from the other end of a pipe, a socket or a terminal has closed it.
    var isClosed: Bool {
        var question = pollfd(fd: descriptor, events: 0, revents: 0)
        let answers = Int16(POLLERR) | Int16(POLLHUP) | Int16(POLLNVAL)
        return poll(&question, 1, 0) > 0 && question.revents & answers != 0
    }

    /// Others may have made the description one that does not wait.
    private func mayGoOn(after code: Int32) -> Bool {
        guard code == EAGAIN else { return code == EINTR }
        var question = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&question, 1, -1) > 0 || errno == EINTR
    }
}
