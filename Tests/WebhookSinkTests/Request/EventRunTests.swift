import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import WebhookSink

@Suite("The events of a request")
struct EventRunTests {
    @Test func arraysReachOverSlices() throws {
        let (first, second) = (try makeBatch(1...5), try makeBatch(8...9))
        let delivery = Delivery(
            slices: [.init(batch: first, range: 1..<4), .init(batch: second, range: 0..<2)])
        let runs = EventRuns(delivery)
        let all = [2, 3, 4, 8, 9] as [Int64]
        for from in 0..<5 {
            #expect(runs.width(from) == (from < 3 ? first.lineRange(1 + from) : second.lineRange(from - 3)).count)
            for to in from + 1...5 {
                let run = runs[from..<to]
                #expect(run.firstID == all[from])
                #expect(run.lastID == all[to - 1])
                #expect(try ids(run.array()) == all[from..<to].map(String.init))
            }
        }
        #expect(String(buffer: runs[3..<4].single()) + "\n" == second.text(0..<1))
    }

    @Test func theArrayHoldsTheLinesByteForByte() throws {
        let batch = try makeBatch([
            EventFixture(id: 1, payload: #"{"n": 1e400, "s": "[,]\n"}"#), EventFixture(id: 2, payload: "[]"),
        ])
        let lines = batch.text.split(separator: "\n")
        let array = EventRuns(batch.whole)[0..<2].array()
        #expect(String(buffer: array) == "[\(lines[0]),\(lines[1])]")
    }

    @Test func thePayloadStandsAlone() throws {
        let batch = try makeBatch([EventFixture(payload: #"{"a": [1, "\u00e9"]}"#)])
        #expect(String(buffer: EventRuns(batch.whole)[0..<1].payload()) == #"{"a": [1, "\u00e9"]}"#)
    }

    private func ids(_ buffer: ByteBuffer) throws -> [String] {
        let array = try JSONSerialization.jsonObject(with: Data(buffer.readableBytesView)) as? [[String: Any]]
        return array?.compactMap { $0["id"] as? String } ?? []
    }
}
