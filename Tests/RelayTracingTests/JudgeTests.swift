import Foundation
import RelayTestKit
import Testing

@testable import RelayTracing

/// Requests, read by the public package of the protocol's own messages.
@Suite("A collector with public packages", .timeLimit(.minutes(2)))
struct JudgeTests {
    /// What the judge tells of a span.
    private struct Span: Decodable {
        var traceId, spanId, parentSpanId, traceState, name, kind, start, end, status, message, scope: String
        var flags, droppedEvents, droppedLinks: Int
        var attributes, resource: [String: String]
        var events, links: [String]
    }

    private func judged(_ bodies: [String]) async throws -> CommandRun {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let python = root.appendingPathComponent(".build/otlp-judge/bin/python3").path
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw KitFailure("there is no judge in Python: run Tests/Scripts/prerequisites test, as make does")
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("otlp-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try bodies.indices.map { index in
            let file = folder.appendingPathComponent("\(index).json")
            try Data(bodies[index].utf8).write(to: file)
            return file.path
        }
        let script = root.appendingPathComponent("Tests/RelayTracingTests/judge/judge.py").path
        return try await run([python, script] + files)
    }

    @Test func readsWhatIsSent() async throws {
        let request = OTLPRequest(resource: ["service.name": "outbox-relay", "a": "b"], version: "1.2.3")
        let bodies = [request.body([try .full()]), request.body([try .numbered(1), try .numbered(2)])]
        let run = try await judged(bodies)
        #expect(run.status == .exited(0), "\(run.errors)")
        let spans = try run.output.split(separator: "\n").map {
            try JSONDecoder().decode(Span.self, from: Data($0.utf8))
        }
        try #require(spans.count == 3)
        let full = spans[0]
        #expect(full.traceId == "0123456789abcdef0000000000000002" && full.spanId == "0000000000000003")
        #expect(full.parentSpanId == "00f067aa0ba902b7" && full.traceState == "a=1" && full.flags == 0x301)
        #expect(full.name == "send \"orders\"" && full.kind == "SPAN_KIND_CLIENT")
        #expect(full.start == "1700000000000000001" && full.end == "1700000000000000002")
        #expect(
            full.attributes == [
                "text": "a\nb", "whole": "-42", "small": "7", "truth": "True", "half": "0.5", "endless": "-inf",
                "wholes": "[1, \(Int64.max)]", "texts": "['x', 'y']",
            ])
        #expect(full.events == ["exception"] && full.droppedEvents == 0)
        #expect(full.links.count == 128 && full.droppedLinks == 2)
        #expect(Set(full.links) == ["0123456789abcdef0000000000000002-00f067aa0ba902b7"])
        #expect(full.status == "STATUS_CODE_ERROR" && full.message == "it broke")
        #expect(full.scope == "outbox-relay 1.2.3" && full.resource == ["service.name": "outbox-relay", "a": "b"])
        #expect(spans[1].parentSpanId.isEmpty && spans[1].kind == "SPAN_KIND_INTERNAL" && spans[1].flags == 0x101)
        #expect(spans[1].status == "STATUS_CODE_UNSET" && spans[2].spanId == "0000000000000002")
    }

    /// It would say so if something were wrong.
    @Test func refusesWhatIsNoRequest() async throws {
        let body = OTLPRequest(resource: [:], version: "1").body([try .full()])
        for (right, wrong) in [
            (#""flags""#, #""flagz""#), (#""kind":3"#, #""kind":33"#), ("0123456789abcdef", "0123456789ABCDEF"),
            (#""startTimeUnixNano":"17"#, #""startTimeUnixNano":"18"#), (#""code":2"#, #""code":"two""#),
        ] {
            let run = try await judged([body.replacing(right, with: wrong)])
            #expect(run.status == .exited(1), "\(wrong): \(run.output)")
        }
    }
}
