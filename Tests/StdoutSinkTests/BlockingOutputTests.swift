import RelayCore
import RelayTestKit
import Testing

@testable import StdoutSink

/// The way that is left where a pipe cannot be opened once more, as one of another user.
@Suite("A pipe that blocks", .timeLimit(.minutes(2)))
struct BlockingOutputTests {
    @Test func neverBlocksTheWriter() async throws {
        let pipe = try TestPipe()
        let output = try Output(pipe.writeEnd, reopening: false)
        #expect(output.mayBlock)
        let batch = try makeBatch(1...1, payloadSize: 300_000)
        func chunk(from start: Int) -> OutputChunk {
            .lines([.init(slice: .init(batch: batch, range: 0..<1), bytes: start..<300_000)])
        }
        var written = 0
        func writeOn() -> WriteResult {
            chunk(from: written).withVectors(output.write)
        }
        while case .wrote(let count) = writeOn() { written += count }
        #expect(written > 0 && written < 300_000)
        #expect(writeOn() == .wouldBlock)

        let thread = try #require(WriterThread())
        let chunk = chunk(from: written)
        let waiting = Task { await thread.write(chunk, to: output) }
        waiting.cancel()
        #expect(await waiting.value == .interrupted)

        async let result = thread.write(chunk, to: output)
        #expect(await pipe.read(written) == String(batch.text.prefix(written)))
        guard case .wrote(let count) = await result else {
            Issue.record("\(await result)")
            return
        }
        #expect(await pipe.read(count) == String(batch.text.dropFirst(written).prefix(count)))

        pipe.closeReader()
        #expect(await thread.write(chunk, to: output) == .failed(32))
        await thread.stop()
        #expect(await thread.write(chunk, to: output) == .interrupted)
        await thread.stop()
        output.close()
    }
}
