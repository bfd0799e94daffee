import Foundation
import RelayFuzzing
import RelayTestKit
import Testing

/// The short form of `make fuzz`: the corpus, and what a seed makes of it, through every target.
@Suite("Any input")
struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("FuzzCorpus")

    /// The inputs of a target, by name.
    private static func corpus(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder.appendingPathComponent(target.name)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try names.map { ($0, Array(try Data(contentsOf: folder.appendingPathComponent($0)))) }
    }

    /// Inputs of the corpus that are as they should be, and must be taken: else a target would look at nothing but
    /// refusals. All others must be refused.
    private static let taken: [String: Set<String>] = [
        "pgoutput": ["ignored", "keepalive", "transaction"],
        "row": ["escapes", "headers", "late-year", "plain"],
        "line": ["torn", "two", "zeros"],
        "connection": ["conninfo", "password", "service", "service-like-password", "uri"],
        "configuration": ["empty", "whole"],
        "option": ["all"],
        "quantity": ["0", "1", "2", "3", "4", "5", "6"],
        "answer": [
            "delivered", "redirect", "retry-asctime", "retry-date", "retry-old", "retry-seconds", "secret", "folded",
            "chunked", "informational", "large-field",
        ],
        "recovery": ["empty", "hole", "torn", "two", "zeros"],
        "endpoint": ["plain", "address", "query"],
        "proxy": ["plain", "user", "exempt-other"],
        "path": ["plain", "date", "percent"],
        "statement": ["plain", "quotes", "accent"],
        "request": ["post", "hold", "open", "settle"],
        "query": ["all"],
    ]

    /// What is wrong with one input; nil where nothing is.
    ///
    /// - Parameter taken: whether it must be taken, or refused; nil where either will do.
    private static func complaint(
        _ target: FuzzTarget, _ bytes: [UInt8], _ what: String, taken: Bool? = nil
    ) -> String? {
        guard let guarded = GuardedBytes(bytes) else { return "no memory for \(bytes.count) bytes" }
        do {
            var isTaken = false
            try guarded.withBytes { (bytes) throws(BrokenPromise) in isTaken = try target.run(bytes) }
            guard let taken, taken != isTaken else { return nil }
            return "\(what) is \(isTaken ? "taken" : "refused")"
        } catch {
            let input = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "\(what): \(error); the input in hexadecimal: \(input)"
        }
    }

    /// The first complaint about some inputs; on a thread of its own, since a target may block.
    private static func firstComplaint(
        _ target: FuzzTarget, _ count: Int, isCorpus: Bool = false,
        _ input: @escaping @Sendable (Int) -> (name: String, bytes: [UInt8])
    ) async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var found: String?
                for index in 0..<count where found == nil {
                    let (name, bytes) = input(index)
                    let taken = isCorpus ? Self.taken[target.name, default: []].contains(name) : nil
                    found = complaint(target, bytes, name, taken: taken)
                }
                continuation.resume(returning: found)
            }
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name)) func corpus(name: String) async throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let inputs = try Self.corpus(target)
        #expect(!inputs.isEmpty)
        #expect(Self.taken[name]?.subtracting(inputs.map(\.name)) == [])
        for input in inputs {
            let found = await Self.firstComplaint(target, 1, isCorpus: true) { _ in input }
            #expect(found == nil)
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name)) func mutations(name: String) async throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let mutation = Mutation(try Self.corpus(target).map(\.bytes), longest: target.longest)
        // Each goes through the disk.
        let count = target.name == "recovery" ? 300 : 3000
        let found = await Self.firstComplaint(target, count) { seed in
            var random = SeededRandom(seed: UInt64(seed))
            return ("seed \(seed)", mutation.input(using: &random))
        }
        #expect(found == nil)
    }
}
