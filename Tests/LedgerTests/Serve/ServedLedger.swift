import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RelayTestKit

/// `ledger serve`, run as its users run it, on a free port of 127.0.0.1.
final class ServedLedger: Sendable {
    struct Answer: Sendable {
        let status: Int
        /// By their names in lower case.
        let headers: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    private struct FirstLine: Decodable {
        let listening: String
    }

    /// Without a slash at its end.
    let url: String
    /// For tests that send it signals and read its log.
    let process: RelayProcess

    private init(url: String, process: RelayProcess) {
        self.url = url
        self.process = process
    }

    /// Starts it on a ledger, and waits until it listens.
    static func start(database: TestDatabase, _ options: [String] = []) async throws -> ServedLedger {
        try await start(conninfo: database.conninfo, options)
    }

    /// As somebody else.
    static func start(conninfo: String, _ options: [String] = []) async throws -> ServedLedger {
        let process = try RelayProcess.start(
            ["serve", "--listen", "127.0.0.1:0", "--database", conninfo] + options, program: "ledger")
        var first: String?
        try await eventually("the ledger listens; its log: \(process.log.text)") {
            // Its lines are no events: strays, to the reader of a relay's output.
            first = process.output.strays.first
            if first == nil, !process.isRunning { throw KitFailure("the ledger ended; its log: \(process.log.text)") }
            return first != nil
        }
        let line = try JSONDecoder().decode(FirstLine.self, from: Data((first ?? "").utf8))
        return ServedLedger(url: "http://\(line.listening)", process: process)
    }

    /// Asks it to stop, and expects that it does so of its own accord.
    func stop() async throws {
        let end = try await process.stop()
        guard end == .exited(0) else { throw KitFailure("the ledger ended with \(end); its log: \(process.log.text)") }
    }

    /// - Parameter target: path and query, percent-encoded.
    func request(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: String? = nil,
        within limit: TimeAmount = .seconds(60)
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + target)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: limit)
        let content = try await response.body.collect(upTo: 64 << 20)
        return Answer(
            status: Int(response.status.code),
            headers: Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { "\($0), \($1)" },
            body: Array(content.readableBytesView))
    }
}
