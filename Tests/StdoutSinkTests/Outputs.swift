import Glibc
import RelayCore
import Synchronization

/// A pipe between a sink and a test.
final class TestPipe: Sendable {
    let readEnd: Int32
    let writeEnd: Int32
    private let readerIsOpen = Mutex(true)

    init() throws {
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) { ends in
            pipe(ends.assumingMemoryBound(to: Int32.self).baseAddress)
        }
        // Programs that other tests start meanwhile must not keep an end of it open.
        for end in [ends.0, ends.1] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        guard made == 0 else { throw OutOfDescriptors() }
        (readEnd, writeEnd) = ends
    }

    deinit {
        closeReader()
        close(writeEnd)
    }

    /// What a reader does that has had enough.
    func closeReader() {
        readerIsOpen.withLock { isOpen in
            if isOpen { close(readEnd) }
            isOpen = false
        }
    }

    /// Reads until there were `count` bytes.
    func read(_ count: Int) async -> String {
        await read { bytes in count - bytes.count }
    }

    /// Reads until what was read ends so.
    func read(until suffix: String) async -> String {
        await read { bytes in bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) ? 0 : .max }
    }

    /// Reads on a thread of its own, as long as more bytes are wanted.
    private func read(_ wanted: @escaping @Sendable ([UInt8]) -> Int) async -> String {
        let descriptor = readEnd
        return await onThread {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while wanted(bytes) > 0 {
                let got = Glibc.read(descriptor, &buffer, min(buffer.count, wanted(bytes)))
                if got <= 0 { break }
                bytes += buffer.prefix(got)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Fills the pipe until not a byte more goes in; says how many did.
    func fill() -> Int {
        let flags = fcntl(writeEnd, F_GETFL)
        _ = fcntl(writeEnd, F_SETFL, flags | O_NONBLOCK)
        defer { _ = fcntl(writeEnd, F_SETFL, flags) }
        var total = 0
        let dots = [UInt8](repeating: UInt8(ascii: "."), count: 4096)
        while write(writeEnd, dots, dots.count) > 0 { total += 4096 }
        return total
    }
}

struct OutOfDescriptors: Error {}

private final class ThreadBody {
    let run: () -> Void

    init(_ run: @escaping () -> Void) {
        self.run = run
    }
}

/// Runs something that blocks away from the cooperative pool.
func onThread<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
        let start = Unmanaged.passRetained(ThreadBody { continuation.resume(returning: body()) })
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, start.toOpaque())
        pthread_detach(thread)
    }
}

/// A file that goes with the test.
final class TestFile: Sendable {
    let path: String

    init(holding text: String = "") throws {
        var template = Array("/tmp/stdout-sink-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw OutOfDescriptors() }
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        let bytes = Array(text.utf8)
        _ = write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    deinit { unlink(path) }

    /// Opens it as a shell does for `>>`, or with other flags.
    func open(_ flags: Int32 = O_WRONLY | O_APPEND) -> Int32 { Glibc.open(path, flags) }

    var content: String {
        let descriptor = Glibc.open(path, O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 22)
        let got = Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(got, 0)), as: UTF8.self)
    }
}

/// What a sink answered, for a test to wait for.
final class Answers: Sendable {
    struct Answer: Hashable {
        var count: Int
        var outcome: DeliveryOutcome
    }

    private let answers = Mutex<[Answer]>([])

    func append(_ count: Int, _ outcome: DeliveryOutcome) {
        answers.withLock { $0.append(Answer(count: count, outcome: outcome)) }
    }

    var all: [Answer] { answers.withLock { $0 } }
    var delivered: Int { all.reduce(0) { $0 + ($1.outcome == .delivered ? $1.count : 0) } }
    var failures: [DeliveryOutcome] { all.map(\.outcome).filter { $0 != .delivered } }

    /// Waits until so many events are delivered; false after a generous while.
    func reach(_ count: Int) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(30)
        while delivered < count, ContinuousClock.now < deadline { await Task.yield() }
        return delivered >= count
    }
}

/// Events with ids from a range, each with a payload of a given size.
func makeBatch(_ ids: ClosedRange<Int64>, payloadSize: Int = 10, note: Character = "x") throws -> EventBatch {
    var builder = EventBatchBuilder(source: "/outbox")
    let payload = Array(("\"" + String(repeating: note, count: max(payloadSize - 2, 0)) + "\"").utf8)
    let texts = Array("transferkeytransfer.posted{}2026-11-20 22:16:30.213327+00".utf8)
    for id in ids {
        let result = payload.withUnsafeBytes { payload in
            texts.withUnsafeBytes { (bytes) -> Result<Void, EventEncodingError> in
                func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { .init(rebasing: bytes[range]) }
                let columns = EventColumns(
                    id: id, aggregateType: part(0..<8), aggregateID: part(8..<11), eventType: part(11..<26),
                    payload: payload, headers: part(26..<28), createdAt: part(28..<bytes.count))
                return Result { () throws(EventEncodingError) in try builder.append(columns) }
            }
        }
        try result.get()
    }
    return builder.finish()
}

extension EventBatch {
    func text(_ range: Range<Int>) -> String { withLines(range) { String(decoding: $0, as: UTF8.self) } }
    var text: String { text(0..<count) }
    var whole: Delivery { Delivery(slices: [.init(batch: self, range: 0..<count)]) }
}

extension Sink {
    /// Delivers and gathers the answers.
    func answers(to delivery: Delivery) async -> Answers {
        let answers = Answers()
        await deliver(delivery) { answers.append($0, $1) }
        return answers
    }
}

/// What a sink without a trace of its own is opened with.
let anywhere = OutboxPosition(lastValue: 0)
