import DedicatedThreads
import Glibc
import Synchronization

/// Where lines for people go: a descriptor, written to by a thread of its own, so that a reader that has stopped reading
/// stops nobody but that thread.
package final class LogOutput: Sendable {
    /// Says that so many lines were lost, as a line with its end.
    package typealias Notice = @Sendable (_ lost: Int) -> String

    private struct State {
        var buffer: LogBuffer
        var notice: Notice
        /// The thread is at work, and looks again before it rests.
        var isWriting = false
    }

    /// The process's standard error.
    package static let standardError = LogOutput(STDERR_FILENO)

    private let descriptor: Int32
    private let state: Mutex<State>
    /// Without one, lines are written here and now as far as they find room.
    private let thread: DedicatedThread?
    private let rested: WakeUp?

    /// - Parameters:
    ///   - descriptor: stays the caller's.
    ///   - limit: bytes that wait to be written, at most; beyond them lines are lost.
    package init(_ descriptor: Int32, limit: Int = 1 << 20) {
        self.descriptor = descriptor
        state = Mutex(State(buffer: LogBuffer(limit: limit), notice: Self.plainNotice))
        rested = WakeUp()
        thread = rested == nil ? nil : DedicatedThread()
    }

    /// How the loss of lines is told from now on.
    package func tellLosses(by notice: @escaping Notice) {
        state.withLock { $0.notice = notice }
    }

    /// Takes a line with its end; it never waits. What finds no room is lost, and counted.
    package func write(_ line: String) {
        let mustStart = state.withLock { state in
            state.buffer.add(line, notice: state.notice)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        guard mustStart else { return }
        if let thread {
            thread.run { [self] in writeWhatWaits() }
        } else {
            writeWhatWaits()
        }
    }

    /// Waits until all is written, for so long at most.
    package func drain(within limit: Duration) {
        let deadline = ContinuousClock.now + limit
        while state.withLock({ !$0.buffer.isEmpty || $0.isWriting }), ContinuousClock.now < deadline {
            rested?.wait(until: deadline)
        }
    }

    /// Says a loss in the manner of commands.
    private static let plainNotice: Notice = { lost in "outbox-relay: \(lostLines(lost))\n" }

    private func writeWhatWaits() {
        while true {
            let bytes = state.withLock { state in
                let bytes = state.buffer.take()
                state.isWriting = !bytes.isEmpty
                return bytes
            }
            guard !bytes.isEmpty else { break }
            let lost = write(bytes)
            state.withLock { state in state.buffer.finish(losing: lost, notice: state.notice) }
        }
        rested?.signal()
    }

    /// - Returns: how many lines could not be written whole.
    private func write(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, Self.piece(of: rest))
                if written > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
                } else if written == 0 || errno != EINTR, !hasRoomAgain() {
                    break
                }
            }
            return rest.count { $0 == UInt8(ascii: "\n") }
        }
    }

    /// Bytes to write at once: as many whole lines as a pipe takes in one piece (pipe(7)), so that nothing that others
    /// write there is in the middle of a line; one line where it is longer.
    private static func piece(of bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count > Int(PIPE_BUF) else { return bytes.count }
        let lineEnd = UInt8(ascii: "\n")
        let end = bytes.prefix(Int(PIPE_BUF)).lastIndex(of: lineEnd) ?? bytes.firstIndex(of: lineEnd)
        return end.map { $0 + 1 } ?? bytes.count
    }

    /// Waits for room after a write that failed for lack of it; only a thread of our own may.
    private func hasRoomAgain() -> Bool {
        guard errno == EAGAIN, thread != nil else { return false }
        var descriptor = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&descriptor, 1, -1) > 0 || errno == EINTR
    }
}

/// What is said of lines of the log that were lost.
package func lostLines(_ count: Int) -> String {
    "\(count) log line\(count == 1 ? " was" : "s were") dropped because standard error was blocked; "
        + "check that its reader keeps up and has room, or log less with --log-level"
}
