import Foundation
import Glibc
import Logging
import RelayObservability
import RelayTestKit
import Testing

@Suite("A log that nobody reads", .timeLimit(.minutes(1)))
struct LogOutputTests {
    private static func notice(_ lost: Int) -> String { "lost \(lost)\n" }

    @Test func whatFindsNoRoomIsCountedAndSaidInItsPlace() {
        var buffer = LogBuffer(limit: 100)
        let line = String(repeating: "x", count: 39) + "\n"
        for _ in 0..<5 { buffer.add(line, notice: Self.notice) }
        #expect(buffer.lost == 3)
        #expect(buffer.take() == Array((line + line).utf8))
        // What was taken is not written yet: there is no room.
        buffer.add(line, notice: Self.notice)
        #expect(buffer.take().isEmpty && buffer.lost == 4)
    }

    @Test func theLossIsSaidAlthoughNothingElseIs() {
        var buffer = LogBuffer(limit: 50)
        for _ in 0..<3 { buffer.add(String(repeating: "x", count: 40), notice: Self.notice) }
        _ = buffer.take()
        buffer.finish(losing: 0, notice: Self.notice)
        #expect(String(decoding: buffer.take(), as: UTF8.self) == "lost 2\n")
        buffer.finish(losing: 0, notice: Self.notice)
        #expect(buffer.isEmpty && buffer.lost == 0)
    }

    @Test func aLossIsNotToldLineByLine() {
        var buffer = LogBuffer(limit: 100)
        for _ in 0..<11 { buffer.add("123456789\n", notice: Self.notice) }
        #expect(buffer.lost == 1)
        _ = buffer.take()
        // More than half of it is taken.
        buffer.add("a\n", notice: Self.notice)
        #expect(buffer.lost == 2)
        buffer.finish(losing: 0, notice: Self.notice)
        buffer.add("b\n", notice: Self.notice)
        #expect(String(decoding: buffer.take(), as: UTF8.self) == "lost 2\nb\n")
    }

    @Test func whatCannotBeWrittenWaitsForTheNextLineToBeSaid() {
        var buffer = LogBuffer(limit: 100)
        buffer.add("a\n", notice: Self.notice)
        _ = buffer.take()
        buffer.finish(losing: 1, notice: Self.notice)
        #expect(buffer.isEmpty && buffer.lost == 1)
        buffer.add("b\n", notice: Self.notice)
        #expect(String(decoding: buffer.take(), as: UTF8.self) == "lost 1\nb\n")
    }

    @Test(arguments: [true, false]) func aReaderThatComesBackGetsAllThatWasKept(isNonBlocking: Bool) async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        defer { close(writing) }
        if isNonBlocking { _ = fcntl(writing, F_SETFL, O_NONBLOCK) }
        let output = LogOutput(writing, limit: 100_000)
        output.tellLosses { "lost \($0)\n" }
        let count = 40_000
        for number in 1...count { output.write("line \(number)\n") }
        output.drain(within: .milliseconds(10))

        let lines = Lines(reading)
        try await eventually("every line is there, or counted") { lines.told == count }
        output.write("the last\n")
        try await eventually("the last line is there") { lines.all.last == "the last" }
        let numbers = lines.all.compactMap { $0.hasPrefix("line ") ? Int($0.dropFirst(5)) : nil }
        #expect(numbers == numbers.sorted() && numbers.count < count)
        #expect(lines.all.filter { $0.hasPrefix("lost ") }.count == 1)
    }

    /// As with `2>&1`: events and log go to one pipe.
    @Test func linesStayWholeBesideThoseOfOthers() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        defer { close(writing) }
        let outputs = ["a", "b"].map { (letter: $0, output: LogOutput(writing, limit: 10_000_000)) }
        for number in 0..<20_000 {
            for (letter, output) in outputs {
                output.write(String(repeating: letter, count: 50 + number % 90) + "\n")
            }
        }
        let lines = Lines(reading)
        try await eventually("every line is there") { lines.all.count >= 40_000 }
        #expect(lines.all.allSatisfy { Set($0.utf8).count == 1 })
    }

    @Test func aDescriptorThatTakesNothingIsNoReasonToWait() {
        let output = LogOutput(-1)
        for _ in 0..<1000 { output.write("nowhere\n") }
        output.drain(within: .seconds(30))
    }

    @Test func theNoticeHasTheLogsFormat() {
        let handler = RelayLogHandler(level: .info, format: .json, withPriority: false)
        let notice = handler.lossNotice(3)
        #expect(
            notice.contains(#""level":"warning","event":"log_dropped","message":"3 log lines were dropped because "#))
        #expect(notice.hasSuffix("\"count\":3}\n"))
    }
}

/// What is read from a descriptor, to its end or for as long as the test runs.
///
/// `@unchecked Sendable`: the lock guards `text`.
private final class Lines: @unchecked Sendable {
    private let lock = NSLock()
    private var text = ""

    init(_ descriptor: Int32) {
        Thread.detachNewThread { [self] in
            var bytes = [UInt8](repeating: 0, count: 4096)
            while case let count = read(descriptor, &bytes, bytes.count), count > 0 {
                let part = String(decoding: bytes.prefix(count), as: UTF8.self)
                lock.withLock { text += part }
            }
            close(descriptor)
        }
    }

    var all: [Substring] { lock.withLock { text }.split(separator: "\n") }

    /// How many lines came or were told to be lost.
    var told: Int {
        all.reduce(0) { $0 + ($1.hasPrefix("lost ") ? Int($1.dropFirst(5)) ?? 0 : 1) }
    }
}
