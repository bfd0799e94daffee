import Foundation
import Logging
import RelayObservability
import Synchronization
import Testing

@Suite("Log lines")
struct LogLineTests {
    private let line = LogLine(
        time: 1_795_213_000_213, level: .warning, message: "row 4 \"came\"\nlate\u{1}",
        metadata: [
            "event": "late_event", "sink": "a b", "id": .stringConvertible(Int64(4)), "ok": .stringConvertible(true),
            "wait": .stringConvertible(1.5), "all": ["x", .stringConvertible(2)],
        ])

    @Test func jsonHoldsTimeLevelEventMessageThenKeys() throws {
        let json = line.rendered(as: .json, withPriority: false)
        #expect(
            json == #"{"time":"2026-11-20T22:16:40.213Z","level":"warning","event":"late_event","#
                + #""message":"row 4 \"came\"\nlate\u0001","all":["x",2],"id":4,"ok":true,"sink":"a b","wait":1.5}"#
                + "\n")
        #expect(try JSONSerialization.jsonObject(with: Data(json.utf8)) is [String: Any])
    }

    @Test func textStaysOnOneLine() {
        let text = line.rendered(as: .text, withPriority: true)
        #expect(text.hasPrefix("<4>2026-11-20T22:16:40.213Z warning late_event: row 4 \"came\" late "))
        #expect(text.contains(" sink=\"a b\""))
        #expect(text.filter { $0 == "\n" }.count == 1)
    }

    @Test func aLineWithoutEventIsANote() {
        let plain = LogLine(time: 0, level: .info, message: "m", metadata: [:])
        #expect(
            plain.rendered(as: .json, withPriority: false)
                == #"{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"note","message":"m"}"# + "\n")
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
    ])
    func times(_ milliseconds: Int64, _ expected: String) {
        #expect(rfc3339(milliseconds: milliseconds) == expected)
    }

    @Test func aLoggerWritesNamedEventsAboveItsLevel() {
        let lines = Mutex<[String]>([])
        let written = SharedLines()
        var logger = Logger(label: "outbox-relay") { _ in
            RelayLogHandler(level: .info, format: .json, withPriority: false) { written.append($0) }
        }
        logger[metadataKey: "epoch"] = .stringConvertible(7)
        logger.log(.leading, "leads")
        logger.log(.note, level: .debug, "unseen")
        lines.withLock { $0 = written.all }
        #expect(lines.withLock { $0.count } == 1)
        #expect(lines.withLock { $0.first?.contains(#""event":"leading","message":"leads","epoch":7}"#) } == true)
    }

    @Test func theThresholdIsThatOfEveryCopy() {
        let written = SharedLines()
        let handler = RelayLogHandler(level: .info, format: .json, withPriority: false) { written.append($0) }
        let logger = Logger(label: "outbox-relay") { _ in handler }
        var own = logger
        own.logLevel = .error
        handler.threshold.level = .debug
        logger.log(.note, level: .debug, "seen")
        own.log(.note, level: .warning, "unseen")
        handler.threshold.level = .critical
        logger.log(.note, level: .error, "unseen")
        own.log(.note, level: .error, "seen")
        #expect(written.all.count == 2 && written.all.allSatisfy { $0.contains("\"message\":\"seen\"") })
    }

    @Test func theJournalIsKnownByItsDeviceAndInode() {
        #expect(!RelayLogHandler.stderrIsJournal([:]))
        #expect(!RelayLogHandler.stderrIsJournal(["JOURNAL_STREAM": "0:0"]))
    }
}

private final class SharedLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}
