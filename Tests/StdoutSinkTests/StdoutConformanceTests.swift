import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import StdoutSink
import Synchronization
import Testing

@Suite("Standard output keeps a sink's promises", .timeLimit(.minutes(2)))
struct StdoutConformanceTests {
    @Test(arguments: SinkPromise.all(of: StdoutUnderTest.self))
    func keeps(_ promise: SinkPromise) async throws {
        try await promise.check { try StdoutUnderTest() }
    }
}

/// Standard output on a pipe whose reader reads, does not read, or reads slowly.
///
/// A pipe has no other fault that it recovers from: what was taken has arrived, and a reader that is gone is gone.
private final class StdoutUnderTest: SinkUnderTest {
    static let faults: Set<SinkFault> = [.holdResponse, .respondSlowly]
    // A line that broke off is gone on with: nothing is ever in doubt.
    static let suppressesDuplicates = true

    private struct State {
        var fault: SinkFault?
        var bytes: [UInt8] = []
        var isOver = false
    }

    /// `F_SETPIPE_SZ` of <linux/fcntl.h>, which Swift does not see.
    private static let setPipeSize: Int32 = 1024 + 7

    private let pipe = try? TestPipe()
    private let state = Mutex(State())
    private let reader = Mutex<Task<Void, Never>?>(nil)

    init() throws {
        guard let pipe else { throw KitFailure("no pipe") }
        // The least that a pipe can hold, so that a reader that does not read is soon felt.
        _ = fcntl(pipe.writeEnd, Self.setPipeSize, 4096)
        let task = Task { await onThread { [self] in read(pipe.readEnd) } }
        reader.withLock { $0 = task }
    }

    func makeSink() throws -> any Sink {
        guard let pipe else { throw KitFailure("no pipe") }
        return StdoutSink(descriptor: pipe.writeEnd)
    }

    func inject(_ fault: SinkFault?) { state.withLock { $0.fault = fault } }

    /// Whether nothing more can be written. How much is in the pipe says nothing: where a page holds the end of what was
    /// written before, the next write begins another, which there is not.
    func isHolding() -> Bool {
        guard let pipe else { return false }
        var question = pollfd(fd: pipe.writeEnd, events: Int16(POLLOUT), revents: 0)
        return poll(&question, 1, 0) == 0
    }

    func arrived() throws -> [Int64] { try eventIDs(inLines: state.withLock { $0.bytes }) }

    func end() async {
        state.withLock { $0.isOver = true }
        let task = reader.withLock { $0.take() }
        await task?.value
    }

    private func read(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let (fault, isOver) = state.withLock { ($0.fault, $0.isOver) }
            if isOver { return }
            var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let isReady = poll(&question, 1, 1) > 0
            guard isReady, fault != .holdResponse else { continue }
            let got = Glibc.read(descriptor, &buffer, fault == .respondSlowly ? 700 : buffer.count)
            if got > 0 { state.withLock { $0.bytes += buffer.prefix(got) } }
        }
    }
}
