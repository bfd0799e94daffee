import RelayCore
import RelayTestKit
import Testing

@Suite("Id and time read back from a line")
struct EnvelopeReaderTests {
    private static let events = [
        EventFixture(), EventFixture(id: -7, aggregateID: "", createdAt: "0044-03-15 12:00:00+00 BC"),
        EventFixture(id: .max, aggregateID: "", createdAt: "0001-01-01 00:00:00+00"),
        EventFixture(id: .min, createdAt: "infinity"),
        EventFixture(
            id: 0, aggregateID: "\",\"time\":\"\\", eventType: "\"\\\n\u{1}",
            createdAt: "9999-12-31 23:59:59.999999+00"),
    ]

    @Test(arguments: events.indices, [1, 2, 7, 1000]) func inPiecesOfAnySize(index: Int, size: Int) throws {
        let event = Self.events[index]
        let batch = try makeBatch([event])
        let time = EventTime(microseconds: batch.createdAt[0])
        let expected = EnvelopeReader.Outcome.event(id: event.id, time: time.isWritable ? time : nil)
        for source in ["/outbox", "a\"\\b"] {
            var builder = EventBatchBuilder(source: source)
            try event.append(to: &builder)
            #expect(Self.read(Array(builder.finish().text.utf8), size) == expected)
        }
    }

    @Test func everyBeginningIsUnfinished() throws {
        let line = Array(try makeBatch([EventFixture()]).text.utf8)
        let whole = try #require((1...line.count).first { Self.read(Array(line.prefix($0)), 1000) != .unfinished })
        for count in 0..<whole {
            let bytes = Array(line.prefix(count))
            #expect(Self.read(bytes, 1000) == .unfinished)
            #expect(bytes.withUnsafeBytes(EnvelopeReader.canBegin))
        }
    }

    @Test func noOtherByteFitsIntoWhatEveryLineBeginsWith() {
        let beginning = Array(#"{"specversion":"1.0","id":""#.utf8)
        for count in beginning.indices {
            let bytes = beginning.prefix(count) + [0x07]
            #expect(Self.read(Array(bytes), 1000) == .foreign)
            #expect(!Array(bytes).withUnsafeBytes(EnvelopeReader.canBegin))
        }
    }

    @Test(arguments: [
        "{}", "{\"specversion\":\"1.1\"", "{\"specversion\":\"1.0\",\"id\":\"\",",
        "{\"specversion\":\"1.0\",\"id\":\"4 2\",",
        "{\"specversion\":\"1.0\",\"id\":\"9223372036854775808\",\"",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\"",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"time\":",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"time\":\"2026-13-20T22:16:30.213327Z\"",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"time\":\"2026-11-20T22:16:30Z\"",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"data\":",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":1",
        // As no event is written, though a number or a date could be read from it.
        "{\"specversion\":\"1.0\",\"id\":\"+5\",", "{\"specversion\":\"1.0\",\"id\":\"007\",",
        "{\"specversion\":\"1.0\",\"id\":\"-0\",",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"time\":\"2026-02-31T22:16:30.213327Z\"",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"time\":\"2026-11-20T22:16:60.213327Z\"",
        "{\"specversion\":\"1.0\",\"id\":\"1111111111111111111111111111111111111111111",
    ]) func foreign(text: String) {
        #expect(Self.read(Array(text.utf8), 5) == .foreign)
    }

    private static func read(_ bytes: [UInt8], _ size: Int) -> EnvelopeReader.Outcome {
        var reader = EnvelopeReader()
        for start in stride(from: 0, to: bytes.count, by: size) {
            let outcome = bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { reader.read($0) }
            if outcome != .unfinished { return outcome }
        }
        return .unfinished
    }
}
