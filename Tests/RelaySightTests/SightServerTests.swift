import Crypto
import Foundation
import RelaySight
import RelayTestKit
import Testing

@Suite("What is served", .timeLimit(.minutes(2)))
struct SightServerTests {
    /// The headers of an answer, by their names in lower case.
    private func headers(_ answer: String) -> [String: String] {
        let head = answer.components(separatedBy: "\r\n\r\n").first ?? ""
        let lines = head.components(separatedBy: "\r\n").dropFirst()
        let pairs = lines.map { line in
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            return ((parts.first ?? "").lowercased(), (parts.last ?? "").trimmingCharacters(in: .whitespaces))
        }
        return Dictionary(pairs) { "\($0), \($1)" }
    }

    private func body(_ answer: String) -> String {
        answer.range(of: "\r\n\r\n").map { String(answer[$0.upperBound...]) } ?? ""
    }

    @Test(arguments: [
        ("/", "text/html; charset=utf-8"), ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"), ("/readyz", "application/json"), ("/status", "application/json"),
        ("/history", "application/json"), ("/history?since=2026-11-20T22%3A16%3A40.000Z", "application/json"),
    ])
    func everyPathAnswersGetAndHead(_ path: String, _ type: String) async throws {
        let served = try await ServedSight.start()
        served.sight.become(.leading)
        let get = try await served.answer("GET", path)
        let head = try await served.answer("HEAD", path)
        #expect(get.hasPrefix("HTTP/1.1 200 ") && head.hasPrefix("HTTP/1.1 200 "), "\(get) \(head)")
        for answer in [get, head] {
            let headers = headers(answer)
            #expect(headers["content-type"] == type)
            #expect(headers["cache-control"] == "no-store")
            #expect(headers["x-content-type-options"] == "nosniff")
            #expect(headers["referrer-policy"] == "no-referrer")
            #expect(headers["content-security-policy"]?.hasPrefix("default-src 'none'; ") == true)
            #expect(headers["date"] != nil)
        }
        #expect(!body(get).isEmpty && body(head).isEmpty)
        #expect(headers(get)["content-length"] == String(body(get).utf8.count))
        #expect(headers(head)["content-length"] != nil)
        try await served.stop()
    }

    @Test func thePageMayRunWhatItBringsAndNothingElse() async throws {
        let served = try await ServedSight.start()
        let answer = try await served.answer("GET", "/")
        let policy = try #require(headers(answer)["content-security-policy"])
        for element in ["script", "style"] {
            let parts = body(answer).components(separatedBy: "<\(element)>")
            #expect(parts.count == 2, "one \(element) without attributes")
            let content = try #require(parts.last?.components(separatedBy: "</\(element)>").first)
            let hash = Data(SHA256.hash(data: Data(content.utf8))).base64EncodedString()
            #expect(policy.contains("\(element)-src 'sha256-\(hash)'"))
        }
        for directive in ["default-src 'none'", "connect-src 'self'", "img-src data:", "frame-ancestors 'none'"] {
            #expect(policy.components(separatedBy: "; ").contains(directive))
        }
        #expect(!policy.contains("unsafe"))
        try await served.stop()
    }

    @Test func readinessIsTheStatus() async throws {
        let served = try await ServedSight.start()
        let starting = try await served.answer("GET", "/readyz")
        #expect(starting.hasPrefix("HTTP/1.1 503 "))
        #expect(body(starting) == #"{"ready":false,"reason":"the relay is starting","warnings":[]}"#)
        served.sight.become(.standby)
        let standby = try await served.answer("GET", "/readyz")
        #expect(standby.hasPrefix("HTTP/1.1 200 ") && body(standby) == #"{"ready":true,"reason":null,"warnings":[]}"#)
        try await served.stop()
    }

    @Test func healthIsWhatTheLoopSays() async throws {
        for (isAlive, status) in [(true, 200), (false, 503)] {
            let served = try await ServedSight.start { isAlive }
            #expect(try await served.answer("GET", "/healthz").hasPrefix("HTTP/1.1 \(status) "))
            try await served.stop()
        }
    }

    @Test(arguments: ["/nothing", "/metrics/", "//", "/%6detrics", "/../status", "*", "http://elsewhere/nothing"])
    func elsewhereIsNothing(_ path: String) async throws {
        let served = try await ServedSight.start()
        let answer = try await served.answer("GET", path)
        #expect(answer.hasPrefix("HTTP/1.1 404 "), "\(answer)")
        try await served.stop()
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) func nothingChangesAnything(
        _ method: String
    ) async throws {
        let served = try await ServedSight.start()
        for path in ["/", "/metrics", "/healthz", "/readyz", "/status", "/history"] {
            let answer = try await served.answer(method, path)
            #expect(answer.hasPrefix("HTTP/1.1 405 "), "\(answer)")
            #expect(headers(answer)["allow"] == "GET, HEAD")
        }
        try await served.stop()
    }

    /// It is answered before it has come, and nothing of it is kept.
    @Test func aBodyIsNotWaitedFor() async throws {
        let served = try await ServedSight.start()
        let connection = try RawConnection(to: served.address)
        try connection.send("POST /status HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        #expect(try await connection.readUntil("GET and HEAD").hasPrefix("HTTP/1.1 405 "))
        try await served.stop()
    }

    @Test(arguments: [
        "GET /status HTTP/1.1\r\nX: \(String(repeating: "x", count: SightServer.largestHead))\r\n\r\n",
        "GET /\(String(repeating: "x", count: SightServer.largestHead)) HTTP/1.1\r\n\r\n",
        "GET /status HTTP/1.1\r\n" + (0..<200).map { "X\($0): 1\r\n" }.joined() + "\r\n", "no HTTP\r\n\r\n",
    ])
    func headsThatAreNoneAreRefused(_ head: String) async throws {
        let served = try await ServedSight.start()
        let connection = try RawConnection(to: served.address)
        try connection.send(head)
        #expect(try await connection.readUntil("\r\n").hasPrefix("HTTP/1.1 400 "))
        #expect(try await served.answer("GET", "/healthz").hasPrefix("HTTP/1.1 200 "))
        try await served.stop()
    }

    /// One connection serves many requests, in their order.
    @Test func requestsFollowEachOther() async throws {
        let served = try await ServedSight.start()
        let connection = try RawConnection(to: served.address)
        let requests = (0..<50).map { "GET /\($0 == 49 ? "status" : "healthz") HTTP/1.1\r\nHost: a\r\n\r\n" }
        try connection.send(requests.joined())
        let text = try await connection.readUntil("count_limit")
        #expect(text.components(separatedBy: "HTTP/1.1 200 ").count == 51)
        try await served.stop()
    }

    @Test func noMoreConnectionsThanThat() async throws {
        let served = try await ServedSight.start()
        let ask = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        var connections: [RawConnection] = []
        for _ in 0..<SightServer.mostConnections {
            let connection = try RawConnection(to: served.address)
            try connection.send(ask)
            _ = try await connection.readUntil("ok")
            connections.append(connection)
        }
        let late = try RawConnection(to: served.address)
        try late.send(ask)
        try await stays("nobody serves it", for: .milliseconds(300)) { late.text.isEmpty }
        connections.removeFirst()
        #expect(try await late.readUntil("ok").hasPrefix("HTTP/1.1 200 "))
        try await served.stop()
    }

    @Test func anAddressInUseIsSaid() async throws {
        let served = try await ServedSight.start()
        let second = ServedSight.server(of: served.sight, port: served.port)
        let failure = await #expect(throws: ListenFailure.self) { try await second.run { _ in } }
        #expect(failure?.kind == .inUse)
        #expect(failure?.message.hasPrefix("\(served.address) cannot be listened on: another process does; ") == true)
        try await served.stop()
    }

    /// The first is for documentation (RFC 5737) and on no machine.
    @Test(arguments: ["192.0.2.1", "no.such.host.invalid"]) func anImpossibleAddressIsSaid(
        _ host: String
    ) async throws {
        let server = ServedSight.server(of: Sight(version: "1", sinks: []), host: host, port: 9187)
        let failure = await #expect(throws: ListenFailure.self) { try await server.run { _ in } }
        #expect(failure?.kind == .impossible)
        #expect(failure?.message.hasPrefix("\(host):9187 cannot be listened on: ") == true)
    }

    /// Who has connected keeps nobody from ending.
    @Test func itEndsWhenItsTaskIsCancelled() async throws {
        let served = try await ServedSight.start()
        let idle = try RawConnection(to: served.address)
        try idle.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try await idle.readUntil("ok")
        try await served.stop()
        #expect(throws: KitFailure.self) { _ = try RawConnection(to: served.address) }
    }
}
