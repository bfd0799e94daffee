import Foundation
import Glibc
import RelayTestKit
import Testing

@Suite struct LoadProgressTests {
    /// A terminal that nobody looks at: what is written to one end can be read from the other (pty(7)).
    private final class Terminal: Sendable {
        let reading: Int32
        let writing: Int32

        init() throws {
            reading = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
            // TIOCSPTLCK and TIOCGPTN of ioctl_tty(2), which are not visible to Swift.
            var (locked, number): (Int32, Int32) = (0, 0)
            guard ioctl(reading, 0x4004_5431, &locked) == 0, ioctl(reading, 0x8004_5430, &number) == 0 else {
                throw KitFailure("no terminal: \(String(cString: strerror(errno)))")
            }
            writing = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
            guard writing >= 0 else { throw KitFailure("no terminal: \(String(cString: strerror(errno)))") }
        }

        deinit {
            close(writing)
            close(reading)
        }

        /// What has been written since the last call.
        func read() -> String {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = Glibc.read(reading, &buffer, buffer.count)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
    }

    @Test func aTerminalSeesALineThatGoesAway() async throws {
        let database = try await PrivateCluster.shared().database()
        try await Books.migrate(database)
        let terminal = try Terminal()
        let process = try ChildProcess(
            [
                RelayProcess.executable("ledger"), "load", "--database", database.conninfo, "--duration", "1h",
                "--late",
                "0", "--rollbacks", "0",
            ], environment: ChildProcess.passedEnvironment, errors: terminal.writing)
        var seen = ""
        try await eventually("progress is shown") {
            seen += terminal.read()
            return seen.contains("p50")
        }
        process.signal(SIGTERM)
        #expect(try await process.exit() == .exited(0))
        seen += terminal.read()
        let clear = "\r\u{1B}[K"
        #expect(seen.hasPrefix(clear) && seen.hasSuffix(clear) && !seen.contains("\n"), "\(seen)")
        let line = try #require(seen.components(separatedBy: clear).last { $0.contains("p50") })
        #expect(line.contains(" posted  ") && line.hasSuffix("  0 errors") && line.count < 80, "\(line)")
    }
}
