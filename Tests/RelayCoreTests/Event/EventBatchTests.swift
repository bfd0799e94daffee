import RelayCore
import RelayTestKit
import Testing

@Suite("Batches of events")
struct EventBatchTests {
    @Test func emptyBatch() {
        var builder = EventBatchBuilder(source: "/outbox", reserving: 1 << 20)
        #expect(builder.count == 0)
        #expect(builder.byteCount == 0)
        let batch = builder.finish()
        #expect(batch.count == 0)
        #expect(batch.byteCount == 0)
        #expect(batch.ids.isEmpty)
        #expect(batch.withLines(0..<0) { $0.count } == 0)
    }

    @Test func linesStandOneBehindTheOther() throws {
        var builder = EventBatchBuilder(source: "/outbox")
        let events = (1...100).map { (number: Int) -> EventFixture in
            let headers = number % 2 == 0 ? "{}" : "{\"n\": 1}"
            return EventFixture(
                id: Int64(number * 3), aggregateID: "key\(number)", payload: String(number), headers: headers,
                transaction: UInt32(number))
        }
        for event in events { try event.append(to: &builder) }
        let promised = builder.byteCount
        let batch = builder.finish()
        #expect(batch.count == 100)
        #expect(batch.byteCount == promised)
        #expect(batch.ids == events.map(\.id))
        #expect(batch.transactions == events.map(\.transaction))
        let expected = try events.map { try $0.line() + "\n" }
        for (index, line) in expected.enumerated() {
            #expect(batch.line(index) == line)
            #expect(batch.lineRange(index).count == line.utf8.count)
            #expect(batch.withKey(index) { String(decoding: $0, as: UTF8.self) } == events[index].aggregateID)
            #expect(batch.withPayload(index) { String(decoding: $0, as: UTF8.self) } == events[index].payload)
        }
        #expect(batch.withLines(10..<20) { String(decoding: $0, as: UTF8.self) } == expected[10..<20].joined())
        #expect(batch.withLines(0..<100) { String(decoding: $0, as: UTF8.self) } == expected.joined())
        #expect(batch.lineRange(9).upperBound == batch.lineRange(10).lowerBound)
        #expect(batch.lineBytes(10..<20) == batch.lineRange(10).lowerBound..<batch.lineRange(19).upperBound)
    }

    @Test func builderIsReusable() throws {
        var builder = EventBatchBuilder(source: "/outbox", reserving: 100)
        try EventFixture(id: 1).append(to: &builder)
        let first = builder.finish()
        #expect(builder.count == 0)
        #expect(builder.byteCount == 0)
        try EventFixture(id: 2).append(to: &builder)
        let second = builder.finish()
        #expect(first.ids == [1])
        #expect(second.ids == [2])
        #expect(first.line(0).contains("\"id\":\"1\""))
        #expect(second.line(0).contains("\"id\":\"2\""))
    }

    @Test func copiesOfABuilderAreApart() throws {
        var one = EventBatchBuilder(source: "/outbox")
        try EventFixture(id: 1, headers: "{\"a\": 1}").append(to: &one)
        var other = one
        try EventFixture(id: 2, headers: "{\"b\": 2}").append(to: &one)
        try EventFixture(id: 3, headers: "{\"c\": 3}").append(to: &other)
        let (first, second) = (one.finish(), other.finish())
        #expect(first.ids == [1, 2])
        #expect(second.ids == [1, 3])
        #expect(first.withHeaders(1) { String(decoding: $0, as: UTF8.self) } == "{\"b\": 2}")
        #expect(second.withHeaders(1) { String(decoding: $0, as: UTF8.self) } == "{\"c\": 3}")
        #expect(first.line(0) == second.line(0))
    }

    @Test func refusedRowLeavesNoTrace() throws {
        var builder = EventBatchBuilder(source: "/outbox")
        try EventFixture(id: 1).append(to: &builder)
        let before = builder.byteCount
        for bad in [EventFixture(payload: ""), EventFixture(headers: "{"), EventFixture(createdAt: "now")] {
            #expect(throws: EventEncodingError.self) { try bad.append(to: &builder) }
        }
        #expect(builder.byteCount == before)
        try EventFixture(id: 2).append(to: &builder)
        let batch = builder.finish()
        #expect(batch.ids == [1, 2])
        #expect(batch.line(1) == (try EventFixture(id: 2).line()) + "\n")
    }

    @Test func largePayloadIsHeldOnce() throws {
        let payload = "\"" + String(repeating: "x", count: 40_000_000) + "\""
        var builder = EventBatchBuilder(source: "/outbox")
        try EventFixture(id: 1).append(to: &builder)
        try EventFixture(id: 2, payload: payload).append(to: &builder)
        #expect(builder.byteCount < payload.utf8.count + 2_000)
        let batch = builder.finish()
        #expect(batch.byteCount < payload.utf8.count + 2_000)
        #expect(batch.withPayload(1) { $0.elementsEqual(payload.utf8) })
        #expect(batch.line(0) == (try EventFixture(id: 1).line()) + "\n")
    }

    @Test func aPayloadInPiecesMakesTheSameLine() throws {
        let event = EventFixture(
            id: 7, aggregateID: "a\"b", payload: "{\"text\": \"0123456789\"}", headers: "{\"a\": 1}")
        var builder = EventBatchBuilder(source: "/outbox")
        try EventFixture(id: 6).append(to: &builder)
        try event.splice(into: &builder, pieces: [5, 1, 12])
        try EventFixture(id: 8).append(to: &builder)
        let batch = builder.finish()
        #expect(batch.ids == [6, 7, 8])
        #expect(batch.line(1) == (try event.line()) + "\n")
        #expect(batch.line(2) == (try EventFixture(id: 8).line()) + "\n")
        #expect(batch.withPayload(1) { $0.elementsEqual(event.payload.utf8) })
        #expect(batch.withHeaders(1) { $0.elementsEqual(event.headers.utf8) })
    }

    @Test func aPayloadThatLacksAPieceLeavesNoTrace() throws {
        var builder = EventBatchBuilder(source: "/outbox")
        try EventFixture(id: 1).append(to: &builder)
        let before = builder.byteCount
        try EventFixture(id: 2).splice(into: &builder, pieces: [3], whole: false)
        #expect(builder.count == 1)
        #expect(builder.byteCount == before)
        #expect(throws: EventEncodingError.self) {
            try EventFixture(id: 3, payload: "123\n5").splice(into: &builder, pieces: [3])
        }
        #expect(throws: EventEncodingError.self) {
            try EventFixture(id: 4, payload: "").splice(into: &builder, pieces: [])
        }
        try EventFixture(id: 5).append(to: &builder)
        let batch = builder.finish()
        #expect(batch.ids == [1, 5])
        #expect(batch.line(1) == (try EventFixture(id: 5).line()) + "\n")
    }

    @Test func deliveryCountsItsSlices() throws {
        var builder = EventBatchBuilder(source: "/outbox")
        for id in 1...10 { try EventFixture(id: Int64(id)).append(to: &builder) }
        let batch = builder.finish()
        let delivery = Delivery(slices: [
            .init(batch: batch, range: 0..<3), .init(batch: batch, range: 3..<3), .init(batch: batch, range: 5..<10),
        ])
        #expect(delivery.count == 8)
        #expect(delivery.byteCount == batch.lineBytes(0..<3).count + batch.lineBytes(5..<10).count)
    }
}
