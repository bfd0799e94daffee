import FileSink
import Foundation
import RelayCore
import WebhookSink

extension FuzzTarget {
    /// What a receiver answers: the status, `Retry-After`, `Location`, and how the body begins.
    static let answer = FuzzTarget("answer", longest: 3000) { input throws(BrokenPromise) in
        var parts = InputParts(input)
        let status = parts.next().reduce(0) { ($0 * 10 + Int($1 % 10)) % 1000 }
        let (retryAfter, location) = (parts.text(), parts.text())
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let excerpt = Excerpt.make(parts.next(), hiding: [secret])
        try promise(!excerpt.contains(secret), "the excerpt shows a secret")
        try promise(excerpt.count <= Excerpt.limit + 1, "the excerpt is \(excerpt.count) characters")
        let answer = Answer(
            status: status, phrase: "", retryAfter: retryAfter, location: location.isEmpty ? nil : location,
            excerpt: excerpt)
        let reason: String
        switch answer.verdict(receiver: "https://example.com", now: { 1_795_212_990 }) {
        case .delivered:
            try promise((200...299).contains(status), "\(status) counts as delivered")
            return
        case .later(let after, let text):
            try promise(after.map { $0 >= .zero && $0 <= .seconds(3600) } ?? true, "a wait beyond the hour")
            reason = text
        case .refused(let text), .impossible(let text): reason = text
        }
        let isOneLine = !reason.unicodeScalars.contains { $0.properties.generalCategory == .control }
        try promise(isOneLine, "a reason with control characters: \(reason)")
    }

    /// A file that a sink finds: it is gone on with, cut by a torn line at most, cut from a hole on with what is cut kept
    /// beside it, or left as it is.
    static let recovery = FuzzTarget("recovery", longest: 2048) { input throws(BrokenPromise) in
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("events.jsonl").path
        let given = Data(input)
        guard (try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)) != nil,
            FileManager.default.createFile(atPath: path, contents: given)
        else { throw BrokenPromise("there is no room for a file") }
        let window = 1 + Int(input.first ?? 0) % 4
        let opened = wait { () -> Bool in
            let sink = FileSink(FileSinkSettings(path: path, window: window))
            defer { Task { await sink.close() } }
            return (try? await sink.open(OutboxPosition(lastValue: 1000))) != nil
        }
        let left = FileManager.default.contents(atPath: path) ?? Data()
        try promise(given.starts(with: left), "the file holds what was not there")
        let kept = copies(in: folder)
        if !kept.isEmpty {
            try promise(left + kept == given, "what was cut from a hole on is not kept")
            try promise(given[left.count...].contains(0), "a cut from \(left.count) on without a hole")
        } else if left.count < given.count {
            let lines = given.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            try promise(left.count == lines, "\(given.count) bytes with lines up to \(lines) became \(left.count)")
        }
        try promise(!opened || left.isEmpty || left.last == 0x0A, "the file is gone on with within a line")
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
    private static func wait(_ body: @escaping @Sendable () async -> Bool) -> Bool {
        let answer = Answered()
        Task.detached { answer.give(await body()) }
        return answer.take()
    }
}

/// Hands an answer from a task to the thread that waits for it.
private final class Answered: @unchecked Sendable {  // `value` is written before the semaphore's signal, and read after
    private let semaphore = DispatchSemaphore(value: 0)
    private var value = false

    func give(_ value: Bool) {
        self.value = value
        semaphore.signal()
    }

    func take() -> Bool {
        semaphore.wait()
        return value
    }
}
