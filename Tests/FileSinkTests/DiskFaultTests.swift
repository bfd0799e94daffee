import FileSink
import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing

/// What a disk does that fails in one call, and what must then be in the file and in the answers.
@Suite("A disk that fails", .timeLimit(.minutes(2)))
struct DiskFaultTests {
    @Test func fullInTheMiddleOfALine() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...10, payloadSize: 100)
        let room = batch.text(0..<6).utf8.count + 30
        let disk = ScriptedDisk(room: room)
        let sink = FileSink(FileSinkSettings(path: folder.path(of: "events.jsonl")), calls: disk.calls)
        try await sink.open(OutboxPosition(lastValue: 10))
        let answers = await sink.answers(to: batch.whole)
        #expect(answers.delivered == 6)
        let path = folder.path(of: "events.jsonl")
        #expect(
            answers.failures == [
                .retry(
                    after: nil, reason: "\(path) is on a disk that is full (No space left on device); free space on it")
            ])
        #expect(try folder.text("events.jsonl") == batch.text(0..<6))
        disk.change { $0.room = .max }
        #expect(await sink.answers(to: batch.whole).delivered == 10)
        #expect(try folder.text("events.jsonl") == batch.text)
        await sink.close()
    }

    @Test func failedSyncIsNotTriedAgainOnTheSameBytes() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...10)
        let disk = ScriptedDisk()
        let sink = FileSink(FileSinkSettings(path: folder.path(of: "events.jsonl")), calls: disk.calls)
        try await sink.open(OutboxPosition(lastValue: 10))
        _ = await sink.answers(to: .init(slices: [.init(batch: batch, range: 0..<4)]))
        disk.change { $0.failingSyncs = 1 }
        let answers = await sink.answers(to: batch.whole)
        // The first four were durable before, nothing else is.
        #expect(answers.delivered == 4)
        #expect(answers.failures.count == 1)
        #expect(try folder.text("events.jsonl") == batch.text(0..<4))
        #expect(await sink.answers(to: batch.whole).all == [.init(count: 10, outcome: .delivered)])
        #expect(try folder.text("events.jsonl") == batch.text)
        // Each byte that counts was written after the last sync that failed, or synced before it.
        #expect(disk.written == batch.text.utf8.count + batch.text(4..<10).utf8.count)
        await sink.close()
    }

    @Test func whatCannotBeCutAtOnceIsCutLater() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...10)
        let disk = ScriptedDisk()
        let sink = FileSink(FileSinkSettings(path: folder.path(of: "events.jsonl")), calls: disk.calls)
        try await sink.open(OutboxPosition(lastValue: 10))
        disk.change { ($0.failingSyncs, $0.failingCuts) = (1, 3) }
        var failures = 0
        while await sink.answers(to: batch.whole).delivered == 0 {
            failures += 1
            #expect(failures < 10)
        }
        #expect(failures >= 2)
        #expect(try folder.text("events.jsonl") == batch.text)
        #expect(await sink.answers(to: batch.whole).delivered == 10)
        await sink.close()
    }

    @Test func failuresInTheMiddleOfARotation() async throws {
        let batch = try makeBatch(101...120, payloadSize: 700)
        for failing in 1...7 {
            let folder = try TestFolder()
            let disk = ScriptedDisk()
            let settings = FileSinkSettings(
                path: folder.path(of: "events.jsonl"), rotation: .init(size: batch.text(0..<3).utf8.count))
            let sink = FileSink(settings, calls: disk.calls)
            try await sink.open(OutboxPosition(lastValue: 120))
            disk.change { $0.goodSyncs = failing - 1 }
            let answers = await sink.answers(to: batch.whole)
            // Three to a file, and one sync for each.
            #expect(answers.delivered == 3 * (failing - 1))
            #expect(answers.failures.count == 1)
            #expect(try folder.ids() == Array(batch.ids.prefix(3 * (failing - 1))))
            disk.change { $0.goodSyncs = .max }
            #expect(await sink.answers(to: batch.whole).delivered == 20)
            #expect(try folder.ids() == batch.ids)
            await sink.close()
        }
    }

    @Test func shortAndInterruptedWrites() async throws {
        let folder = try TestFolder()
        let batch = try makeBatch(1...50, payloadSize: 200)
        let disk = ScriptedDisk()
        disk.change { ($0.mostAtOnce, $0.isInterrupted) = (17, true) }
        let sink = FileSink(FileSinkSettings(path: folder.path(of: "events.jsonl")), calls: disk.calls)
        try await sink.open(OutboxPosition(lastValue: 50))
        #expect(await sink.answers(to: batch.whole).delivered == 50)
        #expect(try folder.text("events.jsonl") == batch.text)
        await sink.close()
    }
}

/// A disk whose calls fail as a test says.
private final class ScriptedDisk: Sendable {
    struct Script {
        /// Bytes that fit.
        var room = Int.max
        var mostAtOnce = Int.max
        /// Every second write is interrupted before it took anything.
        var isInterrupted = false
        /// So many syncs work before one fails.
        var goodSyncs = Int.max
        var failingSyncs = 0
        var failingCuts = 0
        var written = 0
        var writes = 0
    }

    private let script: Mutex<Script>

    init(room: Int = .max) { script = Mutex(Script(room: room)) }

    func change(_ change: (inout sending Script) -> Void) { script.withLock { change(&$0) } }
    var written: Int { script.withLock { $0.written } }

    var calls: DiskCalls {
        var calls = DiskCalls()
        calls.write = { [self] in write($0, $1) }
        calls.sync = { [self] descriptor in
            let fails = script.withLock { script in
                script.goodSyncs -= script.goodSyncs == .max ? 0 : 1
                script.failingSyncs -= 1
                return script.failingSyncs >= 0 || script.goodSyncs < 0
            }
            errno = EIO
            return fails ? -1 : fdatasync(descriptor)
        }
        calls.truncate = { [self] descriptor, size in
            let fails = script.withLock { script in
                script.failingCuts -= 1
                return script.failingCuts >= 0
            }
            errno = EIO
            return fails ? -1 : ftruncate(descriptor, size)
        }
        return calls
    }

    private func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        let (count, isInterrupted) = script.withLock { script in
            script.writes += 1
            let isInterrupted = script.isInterrupted && script.writes % 2 == 0
            let count = isInterrupted ? 0 : min(bytes.count, script.room, script.mostAtOnce)
            script.room -= script.room == .max ? 0 : count
            script.written += count
            return (count, isInterrupted)
        }
        if count > 0 { return Glibc.write(descriptor, bytes.baseAddress, count) }
        errno = isInterrupted ? EINTR : ENOSPC
        return -1
    }
}
