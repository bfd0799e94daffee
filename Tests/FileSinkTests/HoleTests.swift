import FileSink
import Foundation
import RelayCore
import RelayTestKit
import SinkConformance
import Testing

/// A crash of the system leaves a file as long as it was to be, with zeros where the disk did not get to.
@Suite("Holes of zeros in the last lines", .timeLimit(.minutes(2)))
struct HoleTests {
    private static let block = 512

    /// Wherever the hole is: in a line's data, over its beginning or its end, over several lines, at the file's head.
    @Test(arguments: [1, 2, 9]) func whatHasAHoleIsNotPresent(blocks: Int) async throws {
        let batch = try makeBatch(1...12, payloadSize: 900)
        let whole = Array(batch.text.utf8)
        for start in stride(from: 0, to: whole.count, by: Self.block) {
            let folder = try TestFolder()
            let hole = start..<min(start + blocks * Self.block, whole.count)
            var bytes = whole
            bytes.replaceSubrange(hole, with: repeatElement(0, count: hole.count))
            try Data(bytes).write(to: URL(fileURLWithPath: folder.path(of: "events.jsonl")))

            let sink = try await openSink(folder, window: 5)
            // The lines before the hole are as they were, and nothing behind it is left.
            let kept = whole[..<hole.lowerBound].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let inDoubt = try folder.text("events.jsonl").utf8.count
            let isInWindow = hole.upperBound > Self.start(ofLast: 5, in: batch)
            if isInWindow { #expect(inDoubt == kept, "hole \(hole)") }
            await sink.close()
            if isInWindow, whole[hole.upperBound...].last != nil {
                // What was cut is kept beside it, for somebody to look at.
                let copy = try Data(contentsOf: URL(fileURLWithPath: folder.path(of: ".events.jsonl.cut-\(kept)")))
                #expect(Array(copy) == Array(bytes[kept...]), "hole \(hole)")
            }
        }
    }

    @Test func theyAreWrittenAgain() async throws {
        let batch = try makeBatch(1...12, payloadSize: 5000)
        var bytes = Array(batch.text.utf8)
        // A page in the data of event 9.
        let page = (batch.text(0..<8).utf8.count / 4096 + 1) * 4096
        bytes.replaceSubrange(page..<page + 4096, with: repeatElement(0, count: 4096))
        for _ in 0..<2 {
            let folder = try TestFolder()
            try Data(bytes).write(to: URL(fileURLWithPath: folder.path(of: "events.jsonl")))
            let sink = try await openSink(folder)
            #expect(await sink.answers(to: batch.whole).delivered == 12)
            #expect(try folder.text("events.jsonl") == batch.text)
            await sink.close()
        }
    }

    @Test func aForeignFileWithZerosIsLeftAlone() async throws {
        let own = try makeBatch(1...1).text
        for text in ["somebody\0else's\n", own + "somebody\0else's\n", "\0\u{1}\n", own + "\0x\n"] {
            let folder = try TestFolder()
            try folder.write(text, to: "events.jsonl")
            #expect(try await refusal(folder).reason.contains("that is not an event of a relay"))
            #expect(try folder.text("events.jsonl") == text)
        }
    }

    private static func start(ofLast count: Int, in batch: EventBatch) -> Int {
        batch.text(0..<batch.count - count).utf8.count
    }
}
