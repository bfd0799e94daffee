import Glibc
import RelayTestKit
import Synchronization

/// A terminal of a size that nobody looks at: what is written to one end can be read from the other (pty(7)).
final class PseudoTerminal: Sendable {
    private let reading: Int32
    /// What a process gets as its standard output or error.
    let writing: Int32
    private let text = Mutex("")

    init(columns: UInt16 = 100, rows: UInt16 = 30) throws {
        reading = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        // TIOCSPTLCK and TIOCGPTN of ioctl_tty(2), which are not visible to Swift.
        var (locked, number): (Int32, Int32) = (0, 0)
        guard ioctl(reading, 0x4004_5431, &locked) == 0, ioctl(reading, 0x8004_5430, &number) == 0 else {
            throw KitFailure("no terminal: \(String(cString: strerror(errno)))")
        }
        writing = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        guard writing >= 0, ioctl(writing, UInt(TIOCSWINSZ), &size) == 0 else {
            throw KitFailure("no terminal: \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(writing)
        close(reading)
    }

    /// Everything that has been written so far.
    var written: String {
        text.withLock { text in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = Glibc.read(reading, &buffer, buffer.count)
                guard count > 0 else { return text }
                text += String(decoding: buffer.prefix(count), as: UTF8.self)
            }
        }
    }
}

extension ChildProcess {
    /// Starts `outbox-relay` at a terminal.
    ///
    /// - Parameter environment: beside the few variables that are passed on, and a TERM.
    static func relay(
        _ arguments: [String], environment: [String: String] = [:], output: Int32? = nil, errors: Int32? = nil
    ) throws -> ChildProcess {
        try ChildProcess(
            [try RelayProcess.executable("outbox-relay")] + arguments,
            environment: passedEnvironment.merging(["TERM": "xterm-256color"]) { $1 }.merging(environment) { $1 },
            output: output, errors: errors)
    }
}
