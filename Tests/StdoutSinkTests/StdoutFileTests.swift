import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import StdoutSink
import Testing

@Suite("Standard output as a file", .timeLimit(.minutes(2)))
struct StdoutFileTests {
    @Test(arguments: [
        ("", ""), ("whole\n", "whole\n"), ("whole\ntor", "whole\ntor\n"), ("\n", "\n"), ("t", "t\n"),
    ])
    func appended(before: String, start: String) async throws {
        let file = try TestFile(holding: before)
        let descriptor = file.open()
        defer { close(descriptor) }
        let sink = StdoutSink(descriptor: descriptor)
        try await sink.open(anywhere)
        let batch = try makeBatch(1...3)
        #expect(await sink.answers(to: batch.whole).delivered == 3)
        #expect(await sink.answers(to: batch.whole).delivered == 3)
        #expect(file.content == start + batch.text + batch.text)
        await sink.close()
        #expect(fcntl(descriptor, F_GETFD) >= 0)
    }

    @Test func readAndWritten() async throws {
        let file = try TestFile(holding: "tor")
        let descriptor = file.open(O_RDWR)
        defer { close(descriptor) }
        lseek(descriptor, 0, SEEK_END)
        let sink = StdoutSink(descriptor: descriptor)
        try await sink.open(anywhere)
        let batch = try makeBatch(1...1)
        _ = await sink.answers(to: batch.whole)
        #expect(file.content == "tor\n" + batch.text)
        await sink.close()
    }

    @Test func writtenFromItsBeginning() async throws {
        let file = try TestFile(holding: "tor")
        let descriptor = file.open(O_WRONLY | O_TRUNC)
        defer { close(descriptor) }
        let sink = StdoutSink(descriptor: descriptor)
        try await sink.open(anywhere)
        let batch = try makeBatch(1...2000, payloadSize: 1000)
        let answers = await sink.answers(to: batch.whole)
        #expect(answers.delivered == 2000)
        #expect(file.content == batch.text)
        await sink.close()
    }

    @Test func fullDevice() async throws {
        let descriptor = open("/dev/full", O_WRONLY)
        defer { close(descriptor) }
        let sink = StdoutSink(descriptor: descriptor)
        try await sink.open(anywhere)
        let answers = await sink.answers(to: try makeBatch(1...3).whole)
        #expect(answers.delivered == 0)
        #expect(
            answers.failures == [
                .retry(
                    after: nil, reason: "standard output is full (No space left on device); free space on its disk")
            ])
        await sink.close()
    }

    @Test func descriptorsThatCannotBeWrittenTo() async throws {
        let file = try TestFile()
        let reading = file.open(O_RDONLY)
        defer { close(reading) }
        let expected = SinkError(
            .misconfigured,
            reason: "standard output is open for reading only; open it for writing, or use another sink")
        await #expect(throws: expected) { try await StdoutSink(descriptor: reading).open(anywhere) }
        await #expect(throws: SinkError.self) { try await StdoutSink(descriptor: 100_000).open(anywhere) }
    }

    @Test func notOpen() async throws {
        let file = try TestFile()
        let descriptor = file.open()
        defer { close(descriptor) }
        let sink = StdoutSink(name: "audit", descriptor: descriptor)
        let batch = try makeBatch(1...1)
        let failure = DeliveryOutcome.retry(after: nil, reason: "standard output is not open")
        #expect(sink.name == "audit")
        #expect(await sink.answers(to: batch.whole).failures == [failure])
        try await sink.open(anywhere)
        #expect(await sink.answers(to: batch.whole).delivered == 1)
        await sink.close()
        await sink.close()
        #expect(await sink.answers(to: batch.whole).failures == [failure])
        try await sink.open(anywhere)
        try await sink.open(anywhere)
        #expect(await sink.answers(to: batch.whole).delivered == 1)
        await sink.close()
        #expect(file.content == batch.text + batch.text)
    }
}
