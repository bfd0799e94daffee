import FileSink
import Foundation
import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing

@Suite("Files that are put aside", .timeLimit(.minutes(2)))
struct RotationTests {
    @Test func bySize() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(100...199, payloadSize: 700)
        let size = batch.text(0..<7).utf8.count
        let sink = try await openSink(folder, rotation: .init(size: size))
        #expect(await sink.answers(to: batch.whole).all == [.init(count: 100, outcome: .delivered)])
        #expect(try folder.names.first == "events.jsonl")
        #expect(try folder.names.last == "events.jsonl.000014")
        for name in try folder.names { #expect(try folder.status(name).st_size <= size, "\(name)") }
        #expect(try folder.ids() == Array(100...199))
        // A line that alone is larger than a file may be has one of its own.
        let large = try makeBatch(200...201, payloadSize: size)
        #expect(await sink.answers(to: large.whole).delivered == 2)
        #expect(try folder.text("events.jsonl") == large.text(1..<2))
        #expect(try folder.text("events.jsonl.000016") == large.text(0..<1))
        await sink.close()
    }

    @Test func knownAcrossFiles() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...60, payloadSize: 700)
        let rotation = FileSinkSettings.Rotation(size: batch.text(0..<7).utf8.count)
        for end in [40, 60, 60] {
            let sink = try await openSink(folder, rotation: rotation)
            _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: 0..<end)]))
            await sink.close()
        }
        #expect(try folder.ids() == Array(1...60))
    }

    @Test func numbersGoOnAndNothingIsReplaced() async throws {
        let folder = try TestFolder()
        let text = try makeBatch(900...900).text
        for name in ["events.jsonl.000041.gz", "events.jsonl.000007", "events.jsonl.12"] {
            try folder.write(text, to: name)
        }
        let batch = try makeBatch(1...3, payloadSize: 700)
        let sink = try await openSink(folder, rotation: .init(size: 1))
        _ = await sink.answers(to: batch.whole)
        #expect(
            try folder.names == [
                "events.jsonl", "events.jsonl.000007", "events.jsonl.000041.gz", "events.jsonl.000042",
                "events.jsonl.000043", "events.jsonl.12",
            ])
        #expect(try folder.text("events.jsonl.000007") == text)
        await sink.close()
    }

    @Test func byAge() async throws {
        let folder = try TestFolder()
        let clock = TestClock("2026-11-20T23:59:58Z")
        let sink = try await openSink(folder, rotation: .init(age: .seconds(86_400)), now: clock.now)
        let batch = try makeBatch(1...4)
        func deliver(_ index: Int) async {
            _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: index..<index + 1)]))
        }
        await deliver(0)
        clock.advance(1)
        await deliver(1)
        #expect(try folder.names == ["events.jsonl"])
        clock.advance(1)
        await deliver(2)
        #expect(try folder.names == ["events.jsonl", "events.jsonl.000001"])
        // The clock goes back: the file stays.
        clock.advance(-100)
        await deliver(3)
        #expect(try folder.ids("events.jsonl") == [1, 2, 3, 4])
        #expect(try folder.names.count == 2)
        await sink.close()
    }

    @Test func ageIsKnownAfterOpening() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...2)
        try folder.write(batch.text(0..<1), to: "events.jsonl")
        let clock = TestClock("2026-11-20T10:30:00Z")
        for (written, files) in [("2026-11-20T10:00:00Z", 1), ("2026-11-20T09:59:59Z", 2)] {
            try FileManager.default.setAttributes(
                [.modificationDate: TestClock.date(written)], ofItemAtPath: folder.path(of: "events.jsonl"))
            let sink = try await openSink(folder, rotation: .init(age: .seconds(3600)), now: clock.now)
            #expect(await sink.answers(to: batch.whole).delivered == 2)
            await sink.close()
            #expect(try folder.names.count == files)
            try folder.write(batch.text(0..<1), to: "events.jsonl")
        }
    }

    @Test func dateInThePath() async throws {
        let folder = try TestFolder()
        let clock = TestClock("2026-11-20T23:00:00Z")
        let name = "events-%Y-%m-%d_%H%%.jsonl"
        let batch = try makeBatch(1...40, payloadSize: 700)
        var sink = try await openSink(folder, name, rotation: .init(size: 9000), now: clock.now)
        for start in stride(from: 0, to: 40, by: 10) {
            _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: start..<start + 10)]))
            clock.advance(3600)
            // What a crash repeats is in the file of the hour before.
            await sink.close()
            sink = try await openSink(folder, name, rotation: .init(size: 9000), now: clock.now)
            #expect(await sink.answers(to: .init(slices: [.init(batch: batch, range: 0..<start + 10)])).delivered > 0)
        }
        await sink.close()
        let hours = ["2026-11-20_23", "2026-11-21_00", "2026-11-21_01", "2026-11-21_02", "2026-11-21_03"]
        let expected = hours.flatMap { ["events-\($0)%.jsonl", "events-\($0)%.jsonl.000001"] }.dropLast(2)
        #expect(try folder.names.prefix(8) == expected.prefix(8))
        #expect(try Set(folder.ids()) == Set(1...40))
        #expect(try folder.ids().count == 40)
        #expect(access(folder.path(of: ".\(name).lock"), F_OK) == 0)
    }

    @Test func tornLineInTheFileOfTheDayBefore() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...3)
        try folder.write(batch.text(0..<1) + batch.text(1..<2).prefix(50), to: "2026-11-20")
        let clock = TestClock("2026-11-21T00:00:01Z")
        let sink = try await openSink(folder, "%Y-%m-%d", now: clock.now)
        _ = await sink.answers(to: batch.whole)
        await sink.close()
        #expect(try folder.text("2026-11-20") == batch.text(0..<1))
        #expect(try folder.text("2026-11-21") == batch.text(1..<3))
    }

    /// It is full before SIGHUP comes: there is nothing left to put aside, and what is in its place stays.
    @Test(arguments: [false, true]) func movedAwayAndThenFull(isReplaced: Bool) async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...30)
        let sink = try await openSink(folder, rotation: .init(size: batch.text(0..<10).utf8.count))
        _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: 0..<5)]))
        try folder.move("events.jsonl", to: "elsewhere")
        if isReplaced { try folder.write("", to: "events.jsonl") }
        #expect(await sink.answers(to: .init(slices: [.init(batch: batch, range: 5..<30)])).delivered == 25)
        await sink.close()
        #expect(try folder.text("elsewhere").hasPrefix(batch.text(0..<5)))
        #expect(try folder.ids().sorted() == Array(1...30))
    }

    /// Whatever lies beside the file.
    @Test func aNumberBeyondAllNumbers() async throws {
        let folder = try TestFolder()
        try folder.write("", to: "events.jsonl.9223372036854775806")
        let batch = try makeBatch(1...30)
        let sink = try await openSink(folder, rotation: .init(size: 1))
        #expect(await sink.answers(to: batch.whole).delivered == 30)
        await sink.close()
    }

    @Test func movedAwayByLogrotate() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...30)
        func slice(_ range: Range<Int>) -> Delivery { .init(slices: [.init(batch: batch, range: range)]) }
        var sink = try await openSink(folder)
        _ = await sink.answers(to: slice(0..<10))
        // Nobody moved it: it stays.
        await sink.reopen()
        _ = await sink.answers(to: slice(0..<11))
        try folder.move("events.jsonl", to: "events.jsonl.1")
        _ = await sink.answers(to: slice(0..<15))
        #expect(try folder.names == ["events.jsonl.1"])
        await sink.reopen()
        #expect(try folder.names == ["events.jsonl", "events.jsonl.1"])
        _ = await sink.answers(to: slice(5..<20))
        // Made by logrotate itself ("create"), with a date ("dateext"), and a crash.
        try folder.move("events.jsonl", to: "events.jsonl-20261121")
        try folder.write("", to: "events.jsonl")
        await sink.reopen()
        _ = await sink.answers(to: slice(10..<25))
        await sink.close()
        sink = try await openSink(folder)
        _ = await sink.answers(to: slice(0..<30))
        await sink.close()
        #expect(try folder.text("events.jsonl.1") == batch.text(0..<15))
        #expect(try folder.text("events.jsonl-20261121") == batch.text(15..<20))
        #expect(try folder.text("events.jsonl") == batch.text(20..<30))
    }

    @Test func stoppedBetweenTheStepsOfARotation() async throws {
        // After the rename and before the new file; and after that, when it is empty.
        for isMade in [false, true] {
            let folder = try TestFolder()
            let batch = try makeBatch(1...9)
            let sink = try await openSink(folder)
            _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: 0..<5)]))
            await sink.close()
            try folder.move("events.jsonl", to: "events.jsonl.000001")
            if isMade { try folder.write("", to: "events.jsonl") }
            let next = try await openSink(folder)
            _ = await next.answers(to: batch.whole)
            await next.close()
            #expect(try folder.text("events.jsonl") == batch.text(5..<9))
        }
    }

    @Test func anotherSinksFilesAreNotOurs() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...5)
        let other = try await openSink(folder, "events.2")
        _ = await other.answers(to: batch.whole)
        // "events.2" looks like what logrotate makes of "events", and holds the same events.
        let sink = try await openSink(folder, "events")
        _ = await sink.answers(to: batch.whole)
        #expect(try folder.text("events") == batch.text)
        await sink.close()
        await other.close()
    }
}

/// A wall clock that a test sets.
final class TestClock: Sendable {
    private let microseconds: Mutex<Int64>

    init(_ text: String) {
        microseconds = Mutex(Int64(Self.date(text).timeIntervalSince1970) * 1_000_000)
    }

    static func date(_ text: String) -> Date { ISO8601DateFormatter().date(from: text) ?? .distantPast }

    var now: @Sendable () -> Int64 { { self.microseconds.withLock { $0 } } }

    func advance(_ seconds: Int64) { microseconds.withLock { $0 += seconds * 1_000_000 } }
}
