import Foundation
import Glibc
import Synchronization

/// One event as a reader of the relay's output met it.
package struct Arrival: Sendable {
    package let id: Int64
    package let arrived: ContinuousClock.Instant
    /// The whole line, without its end; empty where only ids are kept.
    package let line: [UInt8]

    package init(id: Int64, arrived: ContinuousClock.Instant, line: [UInt8] = []) {
        self.id = id
        self.arrived = arrived
        self.line = line
    }

    package var text: String { String(decoding: line, as: UTF8.self) }
}

/// Reads what a process writes, line by line, on a thread of its own, until the end.
package final class LineReader: Sendable {
    private let state = Mutex(Reading())
    private let descriptor: Int32
    private let accept: @Sendable (ArraySlice<UInt8>, ContinuousClock.Instant) -> Void

    private struct Reading {
        /// What has no line end yet, and how far that was looked for.
        var pending: [UInt8] = []
        var searched = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var ended = false
    }

    /// - Parameters:
    ///   - descriptor: closed when its end has been read.
    ///   - accept: called with each line, without its end.
    package init(descriptor: Int32, accept: @escaping @Sendable (ArraySlice<UInt8>, ContinuousClock.Instant) -> Void) {
        self.descriptor = descriptor
        self.accept = accept
        Thread.detachNewThread { [self] in
            while !ended {
                _ = Self.isReadable(descriptor, waiting: -1)
                readOn()
            }
            close(descriptor)
        }
    }

    /// Whether everything has been read.
    var ended: Bool { state.withLock { $0.ended } }

    /// What stood in the pipe before this call has been accepted when it returns, however late the thread is: one portion
    /// holds more than a pipe does. Not more, for whoever writes without a pause would never let it return.
    package func catchUp() { readOn() }

    /// Reads a portion, where there is something to read.
    private func readOn() {
        state.withLock { reading in
            guard !reading.ended, Self.isReadable(descriptor, waiting: 0) else { return }
            var count = -1
            repeat {
                count = read(descriptor, &reading.buffer, reading.buffer.count)
            } while count == -1 && errno == EINTR
            let now = ContinuousClock.now
            guard count > 0 else {
                reading = Reading(buffer: [], ended: true)
                return
            }
            reading.pending.append(contentsOf: reading.buffer[..<count])
            var start = 0
            while let end = Self.lineEnd(reading.pending, from: max(start, reading.searched)) {
                accept(reading.pending[start..<end], now)
                start = end + 1
            }
            reading.pending.removeFirst(start)
            reading.searched = reading.pending.count
        }
    }

    private static func isReadable(_ descriptor: Int32, waiting milliseconds: Int32) -> Bool {
        var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&asked, 1, milliseconds) > 0
    }

    private static func lineEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + start, 0x0a, bytes.count - start)
            else { return nil }
            return found - UnsafeMutableRawPointer(mutating: base)
        }
    }
}

/// What a relay wrote to its standard output so far.
package final class RelayOutput: Sendable {
    private let state = Mutex(Written())
    private let keepsLines: Bool

    private struct Written {
        var deliveries: [Arrival] = []
        var strays: [String] = []
    }

    init(keepsLines: Bool) { self.keepsLines = keepsLines }

    package var deliveries: [Arrival] { state.withLock { $0.deliveries } }
    package var count: Int { state.withLock { $0.deliveries.count } }
    package var ids: [Int64] { deliveries.map(\.id) }

    /// Lines that are no event; there must be none.
    package var strays: [String] { state.withLock { $0.strays } }

    func accept(_ line: ArraySlice<UInt8>, at instant: ContinuousClock.Instant) {
        guard let id = EventLine.id(of: line) else {
            let text = String(decoding: line.prefix(100_000), as: UTF8.self)
            return state.withLock { $0.strays.append(text) }
        }
        let delivery = Arrival(id: id, arrived: instant, line: keepsLines ? Array(line) : [])
        state.withLock { $0.deliveries.append(delivery) }
    }
}

/// Reads members of an event line by where the contract puts them, without parsing the rest.
package enum EventLine {
    private static let start = Array(#"{"specversion":"1.0","id":""#.utf8)

    /// The event's id, or nil where the line is no event.
    package static func id(of line: some Collection<UInt8>) -> Int64? {
        guard line.starts(with: start) else { return nil }
        let digits = line.dropFirst(start.count).prefix(20).prefix { $0 != UInt8(ascii: "\"") }
        return Int64(String(decoding: digits, as: UTF8.self))
    }

    /// The bytes of `data`: the payload, without the closing brace of the envelope. `"data":` may be in a header's
    /// value too, but there its quotes are escaped.
    package static func data(of line: [UInt8]) -> ArraySlice<UInt8>? {
        let key = Array(#","data":"#.utf8)
        guard let range = line.firstRange(of: key), line.last == UInt8(ascii: "}") else { return nil }
        return line[range.upperBound..<(line.count - 1)]
    }
}
