import RelayCore
import RelayTestKit
import Testing

@testable import StdoutSink

@Suite("The way through the lines of a delivery")
struct LineCursorTests {
    @Test(arguments: [1, 2, 3, 7, 100, 1000])
    func anyStepsGiveAllLinesAndCountWholeOnes(step: Int) throws {
        let (first, second) = (try makeBatch(1...4), try makeBatch(7...9, payloadSize: 300))
        let delivery = Delivery(slices: [
            .init(batch: first, range: 1..<4), .init(batch: first, range: 2..<2), .init(batch: second, range: 0..<2),
        ])
        var cursor = LineCursor(delivery, after: .lineStart)
        var written = ""
        var events = 0
        while let chunk = cursor.next(limit: step) {
            let text = chunk.text
            #expect(text.utf8.count <= step)
            written += text
            events += cursor.advance(text.utf8.count)
            #expect(events == written.utf8.count { $0 == 0x0A })
            #expect((cursor.tail == .lineStart) == written.hasSuffix("\n"))
        }
        #expect(written == first.text(1..<4) + second.text(0..<2))
        #expect(events == delivery.count)
    }

    /// As a stream of small transactions brings them.
    @Test func manySlicesOfOneEventGoOutTogether() throws {
        let batch = try makeBatch(1...100)
        let delivery = Delivery(slices: (0..<100).map { .init(batch: batch, range: $0..<$0 + 1) })
        var cursor = LineCursor(delivery, after: .lineStart)
        let first = try #require(cursor.next(limit: 1_000_000)).text
        #expect(first == batch.text(0..<OutputChunk.mostParts))
        // A part of it is written, up to the middle of a line.
        let written = batch.text(0..<10).utf8.count + 5
        #expect(cursor.advance(written) == 10)
        let second = try #require(cursor.next(limit: 1_000_000)).text
        #expect(second == String(batch.text(10..<10 + OutputChunk.mostParts).dropFirst(5)))
        #expect(cursor.advance(second.utf8.count) == OutputChunk.mostParts)
        #expect(try #require(cursor.next(limit: 1_000_000)).text == batch.text(10 + OutputChunk.mostParts..<100))
    }

    @Test func tornLineGoesOn() throws {
        let batch = try makeBatch(1...3)
        let length = batch.text(0..<1).utf8.count
        for written in 1..<length {
            var cursor = LineCursor(batch.whole, after: .lineStart)
            #expect(cursor.advance(written) == 0)
            // The same event comes again, in another batch: read from the table this time.
            var again = LineCursor(try makeBatch(1...2).whole, after: cursor.tail)
            let rest = try #require(again.next(limit: 10_000)).text
            #expect(rest == String(batch.text(0..<2).dropFirst(written)))
            #expect(again.tail == cursor.tail)
            #expect(again.advance(rest.utf8.count) == 2)
            #expect(again.tail == .lineStart)
        }
    }

    @Test func tornTwice() throws {
        let batch = try makeBatch(1...1)
        var cursor = LineCursor(batch.whole, after: .lineStart)
        _ = cursor.advance(5)
        var again = LineCursor(batch.whole, after: cursor.tail)
        _ = again.advance(6)
        var third = LineCursor(batch.whole, after: again.tail)
        let rest = try #require(third.next(limit: 10_000)).text
        #expect(rest == String(batch.text.dropFirst(11)))
        #expect(third.advance(rest.utf8.count) == 1)
    }

    @Test func anotherEventGetsALineOfItsOwn() throws {
        var torn = LineCursor(try makeBatch(1...2).whole, after: .lineStart)
        _ = torn.advance(100)
        // Another id, and the same id with another payload: what is there is not how they begin.
        for (batch, written) in [(try makeBatch(2...2), 100), (try makeBatch(1...1, note: "y"), 258)] {
            var start = LineCursor(try makeBatch(1...2).whole, after: .lineStart)
            _ = start.advance(written)
            var cursor = LineCursor(batch.whole, after: start.tail)
            #expect(try #require(cursor.next(limit: 5)).text == "\n")
            #expect(cursor.tail == start.tail)
            #expect(cursor.advance(1) == 0)
            #expect(cursor.tail == .lineStart)
            let line = try #require(cursor.next(limit: 10_000)).text
            #expect(line == batch.text)
        }
    }

    @Test func foreignTailAndEmptyDelivery() throws {
        var cursor = LineCursor(try makeBatch(1...1).whole, after: .foreign)
        #expect(try #require(cursor.next(limit: 5)).text == "\n")
        #expect(cursor.tail == .foreign)
        _ = cursor.advance(1)
        #expect(cursor.tail == .lineStart)

        let nothing = LineCursor(Delivery(slices: []), after: .foreign)
        #expect(nothing.next(limit: 5) == nil)
        #expect(nothing.tail == .foreign)
    }
}
