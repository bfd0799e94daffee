import FileSink
import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing

@Suite("Files keep a sink's promises", .timeLimit(.minutes(2)))
struct FileConformanceTests {
    @Test(arguments: SinkPromise.all(of: FileUnderTest.self), [nil, 15_000])
    func keeps(_ promise: SinkPromise, rotatingAt size: Int?) async throws {
        try await promise.check { try FileUnderTest(rotatingAt: size) }
    }
}

/// Real files whose disk fails, hangs or is slow by the faults of the system calls.
private final class FileUnderTest: SinkUnderTest {
    static let faults: Set<SinkFault> = [.outage, .failAfterWrite, .holdResponse, .respondSlowly]
    static let suppressesDuplicates = true

    private let folder: TestFolder
    private let settings: FileSinkSettings
    private let disk = FaultyDisk()

    init(rotatingAt size: Int?) throws {
        folder = try TestFolder()
        settings = FileSinkSettings(path: folder.path(of: "events.jsonl"), rotation: .init(size: size))
    }

    func makeSink() -> any Sink { FileSink(settings, calls: disk.calls) }
    func inject(_ fault: SinkFault?) { disk.inject(fault) }
    func isHolding() -> Bool { disk.isHolding }
    func end() { disk.inject(nil) }

    func arrived() throws -> [Int64] { try folder.ids() }
}

/// A disk on which a fault of the suite lies.
final class FaultyDisk: Sendable {
    private struct State {
        var fault: SinkFault?
        var holding = 0
    }

    private let state = Mutex(State())

    func inject(_ fault: SinkFault?) { state.withLock { $0.fault = fault } }
    var isHolding: Bool { state.withLock { $0.holding > 0 } }

    var calls: DiskCalls {
        var calls = DiskCalls()
        calls.write = { [self] in write($0, $1) }
        calls.sync = { [self] in sync($0) }
        return calls
    }

    private func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        // A full disk takes what fits, and then nothing.
        let isFull = state.withLock { $0.fault } == .outage
        let room = !isFull ? bytes.count : bytes.count > 1000 ? bytes.count / 2 : 0
        if room > 0 { return Glibc.write(descriptor, bytes.baseAddress, room) }
        errno = ENOSPC
        return -1
    }

    private func sync(_ descriptor: Int32) -> Int32 {
        let fault = state.withLock { state in
            defer { if state.fault == .failAfterWrite { state.fault = nil } }
            return state.fault
        }
        switch fault {
        case .holdResponse: hold()
        case .respondSlowly: usleep(3000)
        case .failAfterWrite, .outage:
            if fault == .failAfterWrite { _ = fdatasync(descriptor) }
            errno = EIO
            return -1
        case .reject, nil: break
        }
        return fdatasync(descriptor)
    }

    private func hold() {
        state.withLock { $0.holding += 1 }
        while state.withLock({ $0.fault }) == .holdResponse { usleep(500) }
        state.withLock { $0.holding -= 1 }
    }
}
