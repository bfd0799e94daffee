import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A client of the ledger's HTTP API that asks again, under the same key, until it is answered or its time is over.
struct LoadClient: Sendable {
    /// What the API said, which is its last word.
    struct Answer: Sendable {
        let status: Int
        let body: ByteBuffer

        /// Whether it did what was asked, now or before.
        var isDone: Bool { status == 200 || status == 201 }
    }

    /// Why there is no answer: what happened last.
    struct Silence: Error {
        let reason: String
    }

    private enum Attempt {
        case answered(Answer)
        /// It is not known what became of it, or it was not its time. `pause` is what the server asks for.
        case unanswered(reason: String, pause: Duration?)
    }

    private let http: HTTPClient
    private let base: String

    /// What one attempt may take.
    private static let patience = Duration.seconds(10)
    /// In bytes: a page of a thousand balances, with paths of up to a thousand bytes, fits.
    private static let longestBody = 4 << 20
    private static let pauses = Duration.milliseconds(20)...Duration.seconds(1)

    /// - Parameters:
    ///   - base: `http://HOST:PORT`, without a slash at its end.
    ///   - connections: as many requests are under way at once, at most.
    private init(base: String, connections: Int) {
        self.base = base
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .init(Self.patience), read: .init(Self.patience)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // It is this client that tries again, and counts it.
        configuration.connectionPool.retryConnectionEstablishment = false
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Lends a client and closes it.
    static func with<Value, Failure: Error>(
        base: String, connections: Int, _ body: (LoadClient) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let client = LoadClient(base: base, connections: connections)
        do throws(Failure) {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    /// A GET of this path and query; see `answer`.
    func get(
        _ path: String, until deadline: @Sendable () -> ContinuousClock.Instant
    ) async throws(Silence) -> Answer {
        try await answer(to: HTTPClientRequest(url: base + path), until: deadline) {}
    }

    /// A POST of this body, as JSON, under a key that no other request has; see `answer`.
    func post(
        _ path: String, _ body: some Encodable, until deadline: @Sendable () -> ContinuousClock.Instant,
        retrying: @Sendable () -> Void = {}
    ) async throws(Silence) -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "Idempotency-Key", value: UUID().uuidString.lowercased())
        do {
            request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
        } catch {
            throw Silence(reason: "what POST \(path) is to be sent cannot be written as JSON")
        }
        return try await answer(to: request, until: deadline, retrying: retrying)
    }

    /// Asks until there is an answer. What fails on the way, 502 to 504, and `key_in_flight` are none: all that they say is
    /// that the same request may be made again.
    ///
    /// - Parameters:
    ///   - deadline: looked at before each attempt, which it bounds; past it, or once the task is cancelled, none is made.
    ///   - retrying: called before each attempt after the first one.
    private func answer(
        to request: HTTPClientRequest, until deadline: @Sendable () -> ContinuousClock.Instant,
        retrying: @Sendable () -> Void
    ) async throws(Silence) -> Answer {
        var reason = "the time for it is over"
        var pause = Self.pauses.lowerBound
        var isFirst = true
        while case let left = deadline() - .now, left > .zero, !Task.isCancelled {
            if !isFirst { retrying() }
            isFirst = false
            switch await attempt(request, within: min(left, Self.patience)) {
            case .answered(let answer): return answer
            case .unanswered(let why, let asked):
                reason = why
                try? await Task.sleep(for: min(asked ?? pause, deadline() - .now))
                pause = min(pause * 2, Self.pauses.upperBound)
            }
        }
        throw Silence(reason: reason)
    }

    private func attempt(_ request: HTTPClientRequest, within limit: Duration) async -> Attempt {
        do {
            let response = try await http.execute(request, timeout: .init(limit))
            let body = try await response.body.collect(upTo: Self.longestBody)
            let answer = Answer(status: Int(response.status.code), body: body)
            guard answer.isPassing else { return .answered(answer) }
            let pause = response.headers.first(name: "Retry-After").flatMap(Int.init)
            return .unanswered(reason: answer.problem, pause: pause.map { .seconds(max(0, min($0, 1))) })
        } catch {
            return .unanswered(reason: "\(error)", pause: nil)
        }
    }

    private func close() async {
        // It fails only where it was called before.
        try? await http.shutdown()
    }
}

extension LoadClient.Answer {
    /// The members of a problem (RFC 9457) that are told; of another answer there are none.
    private struct Refusal: Decodable {
        let code: String?
        let detail: String?
    }

    private var refusal: Refusal? { read(Refusal.self) }

    /// The body, where it is JSON of this shape.
    func read<Content: Decodable>(_ type: Content.Type) -> Content? {
        try? JSONDecoder().decode(type, from: Data(body.readableBytesView))
    }

    /// Whether another answer may follow.
    fileprivate var isPassing: Bool {
        (502...504).contains(status) || (status == 409 && refusal?.code == "key_in_flight")
    }

    /// What it says where it did not do what was asked: `422 unbalanced: the legs in USD sum to 1, not to 0`.
    var problem: String {
        let refusal = refusal
        return (["\(status)" + (refusal?.code.map { " \($0)" } ?? "")] + [refusal?.detail].compactMap(\.self))
            .joined(separator: ": ")
    }
}
