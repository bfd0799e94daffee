import Foundation
import RelayTestKit
import Testing

@Suite("docs/ledger.md", .timeLimit(.minutes(5)))
struct DocumentedExamplesTests {
    private static let path = "docs/ledger.md"

    private func examples() throws -> [DocumentedExample] {
        let root = Books.repository
        let document = try String(contentsOf: root.appendingPathComponent(Self.path), encoding: .utf8)
        return try DocumentedExample.all(in: document, of: Self.path)
    }

    @Test func everyExampleIsAnsweredAsWritten() async throws {
        let database = try await PrivateCluster.shared().database()
        try await Books.migrate(database)
        let ledger = try await ServedLedger.start(database: database)
        var names: ExpectedJSON.Names = [:]
        let examples = try examples()
        #expect(examples.count > 20)
        for example in examples {
            let answer: ServedLedger.Answer
            do {
                answer = try await ask(ledger, example, names)
            } catch {
                throw KitFailure("\(Self.path):\(example.line): \(error)")
            }
            for fault in faults(answer, example, &names) {
                Issue.record("\(Self.path):\(example.line): \(fault); answered with \(answer.text)")
            }
        }
        try await ledger.stop()
    }

    private func ask(
        _ ledger: ServedLedger, _ example: DocumentedExample, _ names: ExpectedJSON.Names
    ) async throws -> ServedLedger.Answer {
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        let target = try ExpectedJSON.filled(example.target, names) {
            $0.addingPercentEncoding(withAllowedCharacters: unreserved) ?? $0
        }
        let headers = example.headers.map { ($0.name, $0.value) }
        if example.body.isEmpty { return try await ledger.request(example.method, target, headers: headers) }
        return try await ledger.request(
            example.method, target, headers: headers + [("content-type", "application/json")],
            body: ExpectedJSON.filled(example.body, names))
    }

    private func faults(
        _ answer: ServedLedger.Answer, _ example: DocumentedExample, _ names: inout ExpectedJSON.Names
    ) -> [String] {
        var faults = answer.status == example.status ? [] : ["the status is \(answer.status), not \(example.status)"]
        for (name, value) in example.answerHeaders where answer.headers[name.lowercased()] != value {
            faults.append("\(name) is \(answer.headers[name.lowercased()] ?? "not there"), not \(value)")
        }
        return faults + example.answer.differences(from: answer.body, &names)
    }

    @Test(arguments: [
        (#"{"a": "<x>", "b": [1, "…"]}"#, #"{"b":[1,true],"a":"k"}"#, 0), (#"{"a": 1, …}"#, #"{"a":1,"b":2}"#, 0),
        (#"{"a": 1}"#, #"{"a":1,"b":2}"#, 1), (#"{"a": 1, "b": null}"#, #"{"a":1}"#, 1), (#"{…}"#, "{}", 0),
        (#"{"a": "<k>"}"#, #"{"a":"other"}"#, 1), (#"{"a": "<k>"}"#, #"{"a":"known"}"#, 0), (#"[1]"#, "[1,1]", 1),
        (#"{"a": "…"}"#, #"{"a":null}"#, 1), (#"{"a": 1}"#, #"{"a":"1"}"#, 1), (#"{"a": true}"#, #"{"a":1}"#, 1),
    ])
    func differencesAreSeen(expected: String, answer: String, count: Int) throws {
        var names = ["k": "known"]
        let found = try ExpectedJSON(expected).differences(from: Array(answer.utf8), &names)
        #expect(found.count == count, "\(found)")
    }
}
