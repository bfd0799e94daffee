import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import StdoutSink
import Testing

@Suite("Standard output", .timeLimit(.minutes(2)))
struct StdoutSinkTests {
    @Test func linesArriveInOrder() async throws {
        let pipe = try TestPipe()
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        #expect(sink.name == "stdout")
        try await sink.open(anywhere)
        let (first, second) = (try makeBatch(1...5), try makeBatch(8...9))
        let delivery = Delivery(slices: [.init(batch: first, range: 1..<5), .init(batch: second, range: 0..<2)])
        let answers = await sink.answers(to: delivery)
        #expect(answers.delivered == 6)
        #expect(answers.failures.isEmpty)
        let expected = first.text(1..<5) + second.text
        #expect(await pipe.read(expected.utf8.count) == expected)
        await sink.close()
    }

    @Test func slowReaderGetsEverythingAndProgressComesInParts() async throws {
        let pipe = try TestPipe()
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        try await sink.open(anywhere)
        let batch = try makeBatch(1...2000, payloadSize: 2000)
        let answers = Answers()
        async let delivering: Void = sink.deliver(batch.whole, to: answers)
        var read = ""
        while read.utf8.count < batch.text.utf8.count {
            read += await pipe.read(min(50_000, batch.text.utf8.count - read.utf8.count))
        }
        await delivering
        #expect(read == batch.text)
        #expect(answers.delivered == 2000)
        #expect(answers.all.count > 10)
        await sink.close()
    }

    @Test func flagsOfTheSharedDescriptionStay() async throws {
        let pipe = try TestPipe()
        let flags = fcntl(pipe.writeEnd, F_GETFL)
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        try await sink.open(anywhere)
        _ = await sink.answers(to: try makeBatch(1...1).whole)
        #expect(fcntl(pipe.writeEnd, F_GETFL) == flags)
        #expect(flags & O_NONBLOCK == 0)
        await sink.close()
        #expect(fcntl(pipe.writeEnd, F_GETFL) == flags)
    }

    @Test(arguments: [true, false])
    func cancelledWhileTheReaderDoesNotRead(isNonBlocking: Bool) async throws {
        let pipe = try TestPipe()
        if isNonBlocking { _ = fcntl(pipe.writeEnd, F_SETFL, fcntl(pipe.writeEnd, F_GETFL) | O_NONBLOCK) }
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        try await sink.open(anywhere)
        let batch = try makeBatch(1...1000, payloadSize: 777)
        let answers = Answers()
        let task = Task { await sink.deliver(batch.whole, to: answers) }
        try await answers.reach(10)
        task.cancel()
        await task.value
        let delivered = answers.delivered
        #expect(delivered < 1000)
        #expect(answers.failures.isEmpty)

        // The rest is delivered from the first event that has no answer: the torn line goes on, and nothing is lost.
        let rest = Delivery(slices: [.init(batch: batch, range: delivered..<1000)])
        async let later = sink.answers(to: rest)
        #expect(await pipe.read(batch.text.utf8.count) == batch.text)
        #expect(await later.delivered == 1000 - delivered)
        await sink.close()
    }

    @Test func cancelledBeforeAByteWentOut() async throws {
        let pipe = try TestPipe()
        let filled = pipe.fill()
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        try await sink.open(anywhere)
        let batch = try makeBatch(1...3)
        let task = Task { await sink.answers(to: batch.whole) }
        await Task.yield()
        task.cancel()
        #expect(await task.value.all.isEmpty)
        await sink.close()
        // Opened again, it goes on as if nothing had been.
        try await sink.open(anywhere)
        async let answers = sink.answers(to: batch.whole)
        #expect(await pipe.read(filled + batch.text.utf8.count).hasSuffix("." + batch.text))
        #expect(await answers.delivered == 3)
        await sink.close()
    }

    @Test func anotherEventAfterATornLine() async throws {
        let pipe = try TestPipe()
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        try await sink.open(anywhere)
        let large = try makeBatch(1...1, payloadSize: 1_000_000)
        let task = Task { await sink.answers(to: large.whole) }
        let beginning = await pipe.read(1000)
        task.cancel()
        #expect(await task.value.all.isEmpty)
        let next = try makeBatch(2...2)
        async let answers = sink.answers(to: next.whole)
        let read = beginning + (await pipe.read(until: "\n" + next.text))
        #expect(await answers.delivered == 1)
        #expect(large.text.hasPrefix(read.dropLast(next.text.utf8.count + 1)))
        await sink.close()
    }

    @Test func closedReader() async throws {
        let pipe = try TestPipe()
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        try await sink.open(anywhere)
        pipe.closeReader()
        let answers = await sink.answers(to: try makeBatch(1...3).whole)
        #expect(answers.delivered == 0)
        #expect(answers.failures.count == 1)
        guard case .closed(let reason) = answers.failures.first else {
            Issue.record("\(answers.failures)")
            return
        }
        #expect(reason.contains("closed by its reader"))
        await sink.close()
        // Opened without a reader it says so too, with the first event.
        try await sink.open(anywhere)
        guard case .closed = await sink.answers(to: try makeBatch(1...3).whole).failures.first else {
            Issue.record("not closed")
            return
        }
        await sink.close()
    }

    @Test func readerThatClosesWhileTheSinkWaits() async throws {
        let pipe = try TestPipe()
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        try await sink.open(anywhere)
        let answers = Answers()
        let batch = try makeBatch(1...1000, payloadSize: 777)
        let task = Task { await sink.deliver(batch.whole, to: answers) }
        try await answers.reach(10)
        pipe.closeReader()
        await task.value
        guard case .closed = answers.failures.first else {
            Issue.record("\(answers.all)")
            return
        }
        #expect(answers.delivered < 1000)
        await sink.close()
    }

    @Test func socket() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        let (near, far) = (ends[0], ends[1])
        defer { close(near) }
        let sink = StdoutSink(descriptor: near)
        try await sink.open(anywhere)
        let batch = try makeBatch(1...2000, payloadSize: 500)
        async let answers = sink.answers(to: batch.whole)
        let expected = batch.text
        let read = await onThread {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 10_000)
            while bytes.count < expected.utf8.count {
                let got = recv(far, &buffer, buffer.count, 0)
                if got <= 0 { break }
                bytes += buffer.prefix(got)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(read == expected)
        #expect(await answers.delivered == 2000)
        close(far)
        guard case .closed = await sink.answers(to: batch.whole).failures.first else {
            Issue.record("not closed")
            return
        }
        await sink.close()
    }

    /// Two sinks write to one output, one after the other: what the first left torn is gone on with, or ended.
    @Test(arguments: [true, false]) func anotherSinkGoesOnWhereThisOneLeftOff(_ isSameEvent: Bool) async throws {
        let pipe = try TestPipe()
        let end = OutputEnd()
        let first = StdoutSink(descriptor: pipe.writeEnd, after: end)
        try await first.open(anywhere)
        let batch = try makeBatch(1...1000, payloadSize: 777)
        let answers = Answers()
        let task = Task { await first.deliver(batch.whole, to: answers) }
        try await answers.reach(10)
        task.cancel()
        await task.value
        await first.close()

        let second = StdoutSink(descriptor: pipe.writeEnd, after: end)
        try await second.open(anywhere)
        let other = try makeBatch(2001...2010)
        let next = isSameEvent ? Delivery(slices: [.init(batch: batch, range: answers.delivered..<1000)]) : other.whole
        async let later = second.answers(to: next)
        if isSameEvent {
            #expect(await pipe.read(batch.text.utf8.count) == batch.text)
        } else {
            let text = await pipe.read(until: other.text)
            #expect(text.hasSuffix("\n" + other.text))
            #expect(batch.text.hasPrefix(text.dropLast(other.text.count + 1)))
        }
        #expect(await later.failures.isEmpty)
        await second.close()
    }

    @Test func neverBlocksThePool() async throws {
        // More sinks than the pool has threads, none of whose readers reads: others still run.
        var tasks: [Task<Void, Never>] = []
        var pipes: [TestPipe] = []
        let batch = try makeBatch(1...1000, payloadSize: 500)
        for _ in 0..<16 {
            let pipe = try TestPipe()
            let sink = StdoutSink(descriptor: pipe.writeEnd)
            try await sink.open(anywhere)
            pipes.append(pipe)
            tasks.append(
                Task {
                    _ = await sink.answers(to: batch.whole)
                    await sink.close()
                })
        }
        let pipe = try TestPipe()
        let sink = StdoutSink(descriptor: pipe.writeEnd)
        try await sink.open(anywhere)
        #expect(await sink.answers(to: try makeBatch(1...1).whole).delivered == 1)
        await sink.close()
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        #expect(pipes.count == 16)
    }
}
