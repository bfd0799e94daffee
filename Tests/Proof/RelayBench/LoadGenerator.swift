import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RelayTestKit

/// A plain HTTP load generator, for what a receiver can take at most: wrk where it is installed, else a bare loop over
/// the same HTTP client that the sink uses.
enum LoadGenerator {
    static let wrk = ["/usr/bin/wrk", "/usr/local/bin/wrk"].first { FileManager.default.isExecutableFile(atPath: $0) }

    static var name: String { wrk == nil ? "bare_client" : "wrk" }

    /// Posts one body again and again.
    ///
    /// - Returns: requests per second.
    static func requestsPerSecond(
        to url: String, body: String, contentType: String, connections: Int, for length: Duration
    ) async throws -> Double {
        guard let wrk else {
            return try await bareLoop(url, body, contentType, connections, length)
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(body.utf8).write(to: folder.appendingPathComponent("body"))
        let script = """
            local file = io.open("\(folder.path)/body", "rb")
            wrk.method, wrk.body = "POST", file:read("*a")
            wrk.headers["content-type"] = "\(contentType)"
            file:close()
            """
        try Data(script.utf8).write(to: folder.appendingPathComponent("post.lua"))
        let seconds = length.components.seconds
        let result = try await run(
            [wrk, "-t1", "-c\(connections)", "-d\(seconds)s", "-s", "\(folder.path)/post.lua", url],
            within: length + .seconds(60))
        let line = result.output.split(separator: "\n").first { $0.hasPrefix("Requests/sec:") }
        guard let number = line?.split(separator: " ").last.flatMap({ Double($0) }) else {
            throw KitFailure("wrk reported no requests per second: \(result.output)\(result.errors)")
        }
        return number
    }

    private static func bareLoop(
        _ url: String, _ body: String, _ contentType: String, _ connections: Int, _ length: Duration
    ) async throws -> Double {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        let client = HTTPClient(configuration: configuration)
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: contentType)
        request.body = .bytes(ByteBuffer(string: body))
        let (start, post) = (ContinuousClock.now, request)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<connections {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now - start < length {
                        let response = try await client.execute(post, timeout: .seconds(30))
                        _ = try await response.body.collect(upTo: 1 << 16)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        try await client.shutdown()
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }
}
