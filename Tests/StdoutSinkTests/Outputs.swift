import Glibc
import RelayCore
import Synchronization

@testable import StdoutSink

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

/// What a sink without a trace of its own is opened with.
let anywhere = OutboxPosition(lastValue: 0)

extension OutputChunk {
    var text: String {
        withVectors { vectors in
            vectors.map { vector in
                String(
                    decoding: UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len), as: UTF8.self)
            }.joined()
        }
    }
}
