import Foundation
import RelayTestKit

/// A request that a document shows, and behind it its answer: two blocks of `http`.
struct DocumentedExample {
    /// What a block holds.
    struct Message {
        /// The first line, word by word.
        let start: [String]
        let headers: [(name: String, value: String)]
        let body: String

        init(_ lines: ArraySlice<String>) throws {
            let parts = lines.split(separator: "", maxSplits: 1, omittingEmptySubsequences: false)
            guard let head = parts.first, let first = head.first else { throw KitFailure("the block is empty") }
            start = first.split(separator: " ").map(String.init)
            headers = try head.dropFirst().map { line in
                guard let colon = line.firstRange(of: ": ") else { throw KitFailure("no header: \(line)") }
                return (String(line[..<colon.lowerBound]), String(line[colon.upperBound...]))
            }
            body = parts.count > 1 ? parts[1].joined(separator: "\n") : ""
        }
    }

    /// The line at which the request's block begins, from 1.
    let line: Int
    let method: String
    /// With placeholders, like the body.
    let target: String
    let headers: [(name: String, value: String)]
    let body: String
    let status: Int
    let answerHeaders: [(name: String, value: String)]
    let answer: ExpectedJSON

    /// - Throws: what is not as it should be, with its line. An example that nothing runs is a fault, too: all blocks are
    ///   `http`, in pairs, or `sh`.
    static func all(in document: String, of path: String) throws -> [DocumentedExample] {
        let blocks = try blocks(document, path)
        return try stride(from: 0, to: blocks.count, by: 2).map { place in
            let (line, request) = blocks[place]
            guard place + 1 < blocks.count else { throw KitFailure("\(path):\(line): the request has no answer") }
            return try DocumentedExample(request, blocks[place + 1].message, at: line, path)
        }
    }

    private init(_ request: Message, _ answer: Message, at line: Int, _ path: String) throws {
        guard request.start.count == 3, request.start[2] == "HTTP/1.1", answer.start.first == "HTTP/1.1",
            answer.start.count > 1, let status = Int(answer.start[1])
        else { throw KitFailure("\(path):\(line): not a request with its answer") }
        do {
            self.answer = try ExpectedJSON(answer.body)
        } catch {
            throw KitFailure("\(path):\(line): the answer is no JSON: \(error)")
        }
        self.line = line
        (method, target, headers, body) = (request.start[0], request.start[1], request.headers, request.body)
        (self.status, answerHeaders) = (status, answer.headers)
    }

    private static func blocks(_ document: String, _ path: String) throws -> [(line: Int, message: Message)] {
        let lines = document.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var blocks: [(line: Int, message: Message)] = []
        var begin: Int?
        for (place, line) in lines.enumerated() where line.hasPrefix("```") {
            guard let start = begin else {
                guard ["```http", "```sh"].contains(line) else {
                    throw KitFailure("\(path):\(place + 1): nothing runs a block like this: \(line)")
                }
                begin = place
                continue
            }
            if lines[start] == "```http" {
                do {
                    blocks.append((start + 1, try Message(lines[(start + 1)..<place])))
                } catch {
                    throw KitFailure("\(path):\(start + 1): \(error)")
                }
            }
            begin = nil
        }
        return blocks
    }
}
