import FileSink
import Foundation
import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing

@Suite("What stands in the files", .timeLimit(.minutes(2)))
struct FileSinkTests {
    @Test func linesAreAppendedOnceEach() async throws {
        let folder = try TestFolder()
        let sink = try await openSink(folder)
        #expect(sink.name == "file")
        let batch = try makeBatch(1...10)
        #expect(await sink.answers(to: batch.whole).all == [.init(count: 10, outcome: .delivered)])
        #expect(await sink.answers(to: batch.whole).all == [.init(count: 10, outcome: .delivered)])
        // Some are there, some are new, one line is larger than what is written together.
        let more = try makeBatch(5...12, payloadSize: 300_000)
        #expect(await sink.answers(to: more.whole).delivered == 8)
        #expect(try folder.text("events.jsonl") == batch.text + more.text(6..<8))
        await sink.close()
        #expect(try folder.status("events.jsonl").st_mode & 0o777 == 0o640)
    }

    @Test func whatItHeldAlreadyIsCounted() async throws {
        let folder = try TestFolder()
        let duplicates = Mutex(0)
        let sink = FileSink(
            FileSinkSettings(path: folder.path(of: "events.jsonl")),
            countDuplicates: { count in duplicates.withLock { $0 += count } })
        try await sink.open(OutboxPosition(lastValue: 100))
        _ = await sink.answers(to: try makeBatch(1...10).whole)
        #expect(duplicates.withLock { $0 } == 0)
        _ = await sink.answers(to: try makeBatch(8...12).whole)
        #expect(duplicates.withLock { $0 } == 3)
        await sink.close()
    }

    @Test func knownAgainAfterOpening() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...50)
        for _ in 0..<3 {
            let sink = try await openSink(folder)
            #expect(await sink.answers(to: batch.whole).delivered == 50)
            await sink.close()
        }
        #expect(try folder.text("events.jsonl") == batch.text)
    }

    @Test func onlyTheWindowIsKnown() async throws {
        let folder = try TestFolder()
        for isReopened in [false, true] {
            let sink = try await openSink(folder, isReopened ? "b" : "a", window: 10)
            _ = await sink.answers(to: try makeBatch(1...30).whole)
            if isReopened {
                await sink.close()
                try await sink.open(OutboxPosition(lastValue: 100))
            }
            // 21 to 30 are the last ten; 5 and 20 come again as late events do, and a new one beside them.
            let late = try makeBatch([5, 20, 21, 30, 31].map { EventFixture(id: $0, payload: "1") })
            #expect(await sink.answers(to: late.whole).delivered == 5)
            #expect(try folder.ids(isReopened ? "b" : "a").suffix(33) == Array(1...30) + [5, 20, 31])
            await sink.close()
        }
    }

    @Test func oddEvents() async throws {
        let folder = try TestFolder()
        let events = [
            EventFixture(id: .min, aggregateID: "", createdAt: "infinity"),
            EventFixture(id: -7, aggregateID: "\"\\\n☃", eventType: "a\"b\\", createdAt: "0044-03-15 12:00:00+00 BC"),
            EventFixture(id: 0, aggregateID: String(repeating: "k\"", count: 3000)),
            EventFixture(id: 9, createdAt: "9999-12-31 23:59:59.999999+00"),
        ]
        for _ in 0..<2 {
            let sink = try await openSink(folder, lastValue: 9)
            #expect(await sink.answers(to: try makeBatch(events).whole).delivered == 4)
            await sink.close()
        }
        #expect(try folder.ids() == [.min, -7, 0, 9])
    }

    @Test(arguments: [false, true]) func sameIDWithAnotherTimeBlocks(isReopened: Bool) async throws {
        let folder = try TestFolder()
        let sink = try await openSink(folder)
        _ = await sink.answers(to: try makeBatch(1...5).whole)
        if isReopened { try await sink.open(OutboxPosition(lastValue: 100)) }
        let other = try makeBatch(
            [EventFixture(id: 6), EventFixture(id: 3, createdAt: "2026-11-21 00:00:00+00"), EventFixture(id: 7)])
        let answers = await sink.answers(to: other.whole)
        #expect(answers.delivered == 1)
        guard case .blocked(let reason) = answers.failures.first else {
            Issue.record("\(answers.all)")
            return
        }
        #expect(reason.contains("event 3 has the time 2026-11-21T00:00:00.000000Z, but is in "))
        #expect(reason.contains("with the time 2026-11-20T22:16:30.213327Z"))
        #expect(try folder.ids() == Array(1...6))

        // Once the file is moved away, it continues by itself.
        try folder.move("events.jsonl", to: "other")
        #expect(await sink.answers(to: other.whole).delivered == 3)
        #expect(try folder.ids() == Array(1...6) + [6, 3, 7])
        await sink.close()
    }

    @Test func lastIDAboveTheSequence() async throws {
        let folder = try TestFolder()
        let sink = try await openSink(folder)
        _ = await sink.answers(to: try makeBatch(90...100).whole)
        // A late one is the last line, and not the highest.
        _ = await sink.answers(to: try makeBatch(3...3).whole)
        await sink.close()
        let error = try await refusal(folder, lastValue: 99)
        #expect(error.code == .misconfigured)
        #expect(error.reason.contains("holds event 100, but the outbox's sequence is at 99"))
        try await openSink(folder, lastValue: 100).close()
    }

    @Test func tornLastLineIsCut() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...3, payloadSize: 200)
        for length in [1, 20, 60, batch.text(2..<3).utf8.count - 1] {
            try folder.write(batch.text(0..<2) + batch.text(2..<3).prefix(length), to: "events.jsonl")
            let sink = try await openSink(folder)
            #expect(try folder.text("events.jsonl") == batch.text(0..<2))
            #expect(await sink.answers(to: batch.whole).delivered == 3)
            #expect(try folder.text("events.jsonl") == batch.text)
            await sink.close()
        }
        // A line that is the only one; and the zeros that a power failure can leave.
        for text in [String(batch.text.prefix(100)), String(repeating: "\0", count: 9000)] {
            try folder.write(text, to: "events.jsonl")
            try await openSink(folder).close()
            #expect(try folder.text("events.jsonl").isEmpty)
        }
    }

    @Test(arguments: [
        "somebody else's", "somebody else's\n", "\n", "{}\n", "{\"specversion\":\"1.0\",\"id\":\"x\"}\n",
        "{\"specversion\":\"1.0\",\"id\":\"99999999999999999999\",\"source\":\"\"}\n",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"time\":\"2026\"}\n",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\"\n",
    ]) func anotherFileIsLeftAlone(text: String) async throws {
        let folder = try TestFolder()
        try folder.write(text, to: "events.jsonl")
        let error = try await refusal(folder)
        #expect(error.code == .misconfigured)
        #expect(error.reason.contains("events.jsonl has data at byte 0 that is not an event of a relay; "))
        #expect(try folder.text("events.jsonl") == text)
        // As it says; a name that looks put aside would be looked at again.
        let other = try TestFolder()
        try FileManager.default.moveItem(
            atPath: folder.path(of: "events.jsonl"), toPath: other.path(of: "events.jsonl"))
        // The refused sink lets go of the folder once its thread has come to it.
        try await eventually("the folder is free") {
            do {
                try await openSink(folder).close()
                return true
            } catch let error as SinkError where error.code == .unavailable {
                return false
            }
        }
    }

    @Test func pathsThatNoFileCanHave() async throws {
        let folder = try TestFolder()
        try folder.write("", to: "file")
        #expect(mkdir(folder.path(of: "folder"), 0o700) == 0)
        #expect(mkfifo(folder.path(of: "pipe"), 0o600) == 0)
        #expect(try await refusal(folder, "folder").reason.contains("folder is not a regular file"))
        #expect(try await refusal(folder, "pipe").reason.contains("pipe is not a regular file"))
        #expect(try await refusal(folder, "file/events").code == .unavailable)
        let missing = try await refusal(folder, "missing/events")
        #expect(missing.code == .unavailable)
        #expect(
            missing.reason == "\(folder.path)/missing does not exist (No such file or directory); create the folder")
    }

    @Test func whatSomebodyElseDidToTheFile() async throws {
        let folder = try TestFolder()
        let sink = try await openSink(folder)
        let batch = try makeBatch(1...9)
        _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: 0..<3)]))
        // Removed: nothing goes into a file that nobody can reach.
        unlink(folder.path(of: "events.jsonl"))
        _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: 3..<6)]))
        #expect(try folder.ids() == [4, 5, 6])
        // Cut within a line, as no rotation does it: what is gone may come again.
        #expect(truncate(folder.path(of: "events.jsonl"), off_t(batch.text(3..<5).utf8.count + 7)) == 0)
        _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: 3..<9)]))
        #expect(try folder.text("events.jsonl") == batch.text(3..<9))
        await sink.close()
    }

    /// Whoever can open the lock can take it: only who may write to the files may.
    @Test(arguments: [(0o640, 0o600), (0o600, 0o600), (0o644, 0o600), (0o660, 0o660), (0o666, 0o666), (0o620, 0o660)])
    func whoMayLock(mode: UInt32, expected: UInt32) async throws {
        let folder = try TestFolder()
        for old: UInt32? in [nil, 0o666, 0o640, 0o600] {
            if let old {
                try folder.write("", to: ".events.jsonl.lock")
                #expect(chmod(folder.path(of: ".events.jsonl.lock"), old) == 0)
            }
            let sink = FileSink(FileSinkSettings(path: folder.path(of: "events.jsonl"), mode: mode))
            try await sink.open(OutboxPosition(lastValue: 1))
            #expect(try folder.status(".events.jsonl.lock").st_mode & 0o777 == expected)
            await sink.close()
        }
    }

    @Test func aLockWhoseHolderWroteNothing() async throws {
        let folder = try TestFolder()
        // What another process left there that is gone: beyond the highest pid.
        try folder.write("4194305 \(ProcessInfo.processInfo.hostName)\n", to: ".events.jsonl.lock")
        let held = open(folder.path(of: ".events.jsonl.lock"), O_RDONLY)
        defer { close(held) }
        #expect(flock(held, LOCK_EX) == 0)
        let error = try await refusal(folder)
        #expect(error.reason.contains("a process that did not write its pid there; lslocks(8) names it"))
        #expect(error.code == .unavailable)
    }

    @Test func aFileInThePlaceOfTheFolder() async throws {
        let folder = try TestFolder()
        try folder.write("", to: "file")
        let error = try await refusal(folder, "file/events")
        #expect(
            error.reason == "\(folder.path)/file is not a folder (Not a directory); "
                + "create a folder there, or give the sink another path")
    }

    @Test func neverOpened() async throws {
        let folder = try TestFolder()
        let first = try await openSink(folder)
        let second = FileSink(FileSinkSettings(path: folder.path(of: "events.jsonl")))
        #expect(await second.answers(to: try makeBatch(1...1).whole).failures.count == 1)
        await #expect(throws: SinkError.self) { try await second.open(OutboxPosition(lastValue: 1)) }
        // A delivery meanwhile is told why it is not open.
        guard case .retry(_, let reason) = await second.answers(to: try makeBatch(1...1).whole).failures.first else {
            Issue.record("not an outage")
            return
        }
        #expect(reason.contains("is locked by this process itself, pid \(getpid())"))
        await first.close()
        try await second.open(OutboxPosition(lastValue: 1))
        await second.close()
    }
}
