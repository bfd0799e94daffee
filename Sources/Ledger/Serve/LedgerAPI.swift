import HTTPTypes
import Hummingbird
import LedgerCore
import Libpq
import Logging
import Metrics
import PrometheusText

/// The HTTP API: what stands where, and what it asks of the ledger.
struct LedgerAPI: Sendable {
    let pool: SessionPool
    let limits: RequestLimits
    let exposition: Exposition
    let log: Logger

    typealias Context = BasicRequestContext

    /// One address and method. `openapi.json` says the same to programs; a test compares the two.
    private struct Endpoint {
        let method: HTTPRequest.Method
        let path: RouterPath
        let answer: @Sendable (Request, Context) async throws -> Response

        /// Whether a path is one of this endpoint's.
        func stands(at other: String) -> Bool {
            let parts = path.description.split(separator: "/")
            let others = other.split(separator: "/")
            return parts.count == others.count && zip(parts, others).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
        }
    }

    private func endpoints() -> [Endpoint] {
        [
            Endpoint(method: .post, path: "/accounts") { try await write(.open, $0, $1) },
            Endpoint(method: .post, path: "/transfers") { try await write(.post, $0, $1) },
            Endpoint(method: .post, path: "/transfers/{id}/reverse") { try await write(.reverse, $0, $1) },
            Endpoint(method: .post, path: "/holds") { try await write(.hold, $0, $1) },
            Endpoint(method: .post, path: "/holds/{id}/settle") { try await write(.settle, $0, $1) },
            Endpoint(method: .post, path: "/holds/{id}/release") { try await write(.release, $0, $1) },
            Endpoint(method: .get, path: "/transfers") { request, _ in try await read(.transfers(request.uri.query)) },
            Endpoint(method: .get, path: "/transfers/{id}") { request, context in
                try await read(.transfer(id(of: context), request.uri.query))
            },
            Endpoint(method: .get, path: "/accounts/{id}") { request, context in
                try await read(.account(id(of: context), request.uri.query))
            },
            Endpoint(method: .get, path: "/accounts/{id}/balance") { request, context in
                try await read(.balance(id(of: context), request.uri.query))
            },
            Endpoint(method: .get, path: "/balances") { request, _ in try await read(.balances(request.uri.query)) },
            Endpoint(method: .get, path: "/balances/sums") { request, _ in try await read(.sums(request.uri.query)) },
            Endpoint(method: .get, path: "/trial-balance") { request, _ in
                try await read(.trialBalance(request.uri.query))
            },
            // Soon: it is asked whether the ledger works, not for how long its requests wait.
            Endpoint(method: .get, path: "/healthz") { _, _ in
                try await read(.health, within: min(limits.time, .seconds(2)))
            },
            Endpoint(method: .get, path: "/metrics") { _, _ in metrics() },
            Endpoint(method: .get, path: "/openapi.json") { _, _ in
                Response.json(String(decoding: PackageResources.openapi_json, as: UTF8.self))
            },
        ]
    }

    /// Everything that the server answers.
    func router() -> Router<Context> {
        let endpoints = endpoints()
        let router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
        router.add(
            middleware: Answering(log: log) { path in
                let methods = endpoints.filter { $0.stands(at: path) }.map(\.method)
                return methods.contains(.get) ? methods + [.head] : methods
            })
        for endpoint in endpoints { router.on(endpoint.path, method: endpoint.method, use: endpoint.answer) }
        return router
    }

    private func id(of context: Context) -> String { context.parameters.get("id") ?? "" }

    private func metrics() -> Response {
        let load = pool.load
        Gauge(label: MetricNames.sessions).record(load.sessions)
        Gauge(label: MetricNames.waiting).record(load.waiting)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: exposition.text())))
    }

    /// What changes the books, under the request's key.
    private func write(
        _ operation: LedgerRequest.Operation, _ request: Request, _ context: Context
    ) async throws -> Response {
        let deadline = ContinuousClock.now + limits.time
        let key = try key(of: request)
        if let type = request.headers[.contentType], !Self.isJSON(type) {
            throw Problem(.unsupportedMediaType, "The content-type is not application/json.")
        }
        try Query(request.uri.query).end()
        let asked = try LedgerRequest(
            operation, subject: context.parameters.get("id"), body: try await body(of: request))
        var run = RequestRun(asked, key: key, pool: pool, limits: limits, log: log)
        defer { if run.retries > 0 { Counter(label: MetricNames.retries).increment(by: run.retries) } }
        let reply = try await run.run(until: deadline)
        var response = Response.json(reply.content, status: reply.status)
        if reply.isReplay {
            response.headers[.idempotentReplay] = "true"
            Counter(label: MetricNames.replays).increment()
        }
        return response
    }

    private func key(of request: Request) throws(Problem) -> IdempotencyKey {
        let given = request.headers[values: .idempotencyKey]
        guard let text = given.first else {
            throw Problem(.missingIdempotencyKey, "There is no header Idempotency-Key, which makes a repetition safe.")
        }
        guard given.count == 1, let key = IdempotencyKey(text) else {
            throw Problem(.invalidIdempotencyKey, "Idempotency-Key is 1 to 255 characters of visible ASCII, once.")
        }
        return key
    }

    private static func isJSON(_ type: String) -> Bool {
        let essence = type.prefix { $0 != ";" }
        return essence.lowercased().filter { $0 != " " && $0 != "\t" } == "application/json"
    }

    private func body(of request: Request) async throws -> [UInt8] {
        let tooLarge = Problem(.bodyTooLarge, "The body has more than \(RequestLimits.largestBody) bytes.")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > RequestLimits.largestBody {
            throw tooLarge
        }
        var bytes: [UInt8] = []
        for try await part in request.body {
            guard bytes.count + part.readableBytes <= RequestLimits.largestBody else { throw tooLarge }
            bytes += part.readableBytesView
        }
        if let length = request.headers[.contentLength], length != String(bytes.count) {
            throw Problem(.malformedJSON, "The body ends after \(bytes.count) bytes.")
        }
        return bytes
    }

    /// What only looks at the books: one statement, which is sent anew where the session was lost.
    private func read(_ question: Question, within time: Duration? = nil) async throws -> Response {
        let deadline = ContinuousClock.now + (time ?? limits.time)
        var tries = 0
        while true {
            tries += 1
            let session: Connection
            do { session = try await pool.take(until: deadline) } catch { throw RequestRun.problem(error) }
            do {
                let table = try await session.query(
                    question.statement, question.values, prepares: true,
                    timeout: max(deadline - .now, .milliseconds(1)), cancellable: false)
                await pool.giveBack(session)
                guard let content = table.string(0, 0) else { throw question.absence }
                return .json(content)
            } catch let error as PostgresError {
                await pool.giveBack(session)
                if error.connectionIsLost, tries <= pool.size, ContinuousClock.now < deadline { continue }
                throw Problem(asking: error, log)
            }
        }
    }
}
