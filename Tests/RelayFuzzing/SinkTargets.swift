import FileSink
import Foundation
import RelayCore
import Synchronization

extension FuzzTarget {
    /// A file that a sink finds: it is gone on with, cut by a torn line at most, cut from a hole on with what is cut kept
    /// beside it, or left as it is. Where it is gone on with, an event that is delivered is in it once, also after it
    /// is delivered again.
    static let recovery = FuzzTarget("recovery", longest: 2048) { input throws(BrokenPromise) in
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("events.jsonl").path
        let given = Data(input)
        guard (try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)) != nil,
            FileManager.default.createFile(atPath: path, contents: given)
        else { throw BrokenPromise("there is no room for a file") }
        let settings = FileSinkSettings(path: path, window: 1 + Int(input.first ?? 0) % 4)
        guard let event = try? event() else { throw BrokenPromise("there is no event") }
        let (opened, left) = wait { await use(settings, delivering: nil) }
        try promise(given.starts(with: left), "the file holds what was not there")
        let kept = copies(in: folder)
        if !kept.isEmpty {
            try promise(left + kept == given, "what was cut from a hole on is not kept")
            try promise(given[left.count...].contains(0), "a cut from \(left.count) on without a hole")
        } else if left.count < given.count {
            let lines = given.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            try promise(left.count == lines, "\(given.count) bytes with lines up to \(lines) became \(left.count)")
        }
        guard opened else { return false }
        try promise(left.isEmpty || left.last == 0x0A, "the file is gone on with within a line")
        let (isDelivered, first) = wait { await use(settings, delivering: event) }
        let line = event.withLines(0..<1) { Data($0) }
        try promise(
            first == left || first == left + line, "delivering added \(first.count - left.count) bytes of another kind")
        guard isDelivered else {
            try promise(first == left, "what was not delivered is written")
            return false
        }
        let (isDeliveredAgain, second) = wait { await use(settings, delivering: event) }
        try promise(isDeliveredAgain && second == first, "an event that stands there is written again")
        return true
    }

    private static func event() throws -> EventBatch {
        var builder = EventBatchBuilder(source: "/outbox")
        func lend(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
            try Array(text.utf8).withUnsafeBytes(body)
        }
        try lend("t") { word in
            try lend("{}") { object in
                try lend("2026-11-20 22:16:30.213327+00") { time in
                    try builder.append(
                        EventColumns(
                            id: 900, aggregateType: word, aggregateID: word, eventType: word, payload: object,
                            headers: object, createdAt: time))
                }
            }
        }
        return builder.finish()
    }

    /// Opens the sink, lets it deliver an event, and closes it: whether both went well, and what the file holds then.
    private static func use(_ settings: FileSinkSettings, delivering event: EventBatch?) async -> (Bool, Data) {
        let sink = FileSink(settings)
        var isWell = await open(sink)
        if isWell, let event {
            let delivered = Mutex(0)
            await sink.deliver(Delivery(slices: [.init(batch: event, range: 0..<1)])) { count, outcome in
                if outcome == .delivered { delivered.withLock { $0 += count } }
            }
            isWell = delivered.withLock { $0 } == 1
        }
        await sink.close()
        return (isWell, FileManager.default.contents(atPath: settings.path) ?? Data())
    }

    /// A process that is just being started beside this one has the lock, too, until it becomes another program.
    private static func open(_ sink: FileSink) async -> Bool {
        while true {
            do {
                _ = try await sink.open(OutboxPosition(lastValue: 1000))
                return true
            } catch {
                guard "\(error)".contains("is locked by") else { return false }
                await Task.yield()
            }
        }
    }

    /// What was cut from holes on, in the file's order.
    private static func copies(in folder: URL) -> Data {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let found = names.compactMap { name in
            name.hasPrefix(".events.jsonl.cut-") ? Int(name.dropFirst(18)).map { (offset: $0, name: name) } : nil
        }
        return found.sorted { $0.offset < $1.offset }.reduce(into: Data()) { copies, copy in
            copies += FileManager.default.contents(atPath: folder.appendingPathComponent(copy.name).path) ?? Data()
        }
    }

    /// The answer of something that waits; for threads that may.
    private static func wait(_ body: @escaping @Sendable () async -> (Bool, Data)) -> (Bool, Data) {
        let answer = Answered()
        Task.detached { answer.give(await body()) }
        return answer.take()
    }
}

/// Hands an answer from a task to the thread that waits for it.
private final class Answered: @unchecked Sendable {  // `value` is written before the semaphore's signal, and read after
    private let semaphore = DispatchSemaphore(value: 0)
    private var value = (false, Data())

    func give(_ value: (Bool, Data)) {
        self.value = value
        semaphore.signal()
    }

    func take() -> (Bool, Data) {
        semaphore.wait()
        return value
    }
}
