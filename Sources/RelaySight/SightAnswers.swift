import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import RelayObservability

/// What stands at each path. Nothing here changes anything, waits for a database, or reads what a request brings along.
struct SightAnswers: Sendable {
    private let sight: Sight
    private let metrics: SightMetrics
    private let liveness: Liveness
    private let page: ByteBuffer
    private let pagePolicy: String

    /// - Parameter page: HTML.
    init(_ sight: Sight, _ metrics: SightMetrics, _ liveness: Liveness, page: [UInt8]) {
        self.sight = sight
        self.metrics = metrics
        self.liveness = liveness
        self.page = ByteBuffer(bytes: page)
        pagePolicy = PagePolicy(for: page).header
    }

    /// An answer before it has become a response.
    private struct Answer {
        var status = HTTPResponse.Status.ok
        var type: String
        var body: ByteBuffer
        var policy = PagePolicy.nothing
        var allow: String?

        init(_ status: HTTPResponse.Status = .ok, text: String, type: String = "text/plain; charset=utf-8") {
            self.status = status
            self.type = type
            body = ByteBuffer(string: text)
        }

        init(_ status: HTTPResponse.Status = .ok, document: JSONText) {
            self.init(status, text: document.text, type: "application/json")
        }
    }

    /// The answer to a request, whatever it is.
    func response(to request: Request) async -> Response {
        let answer = await answer(request)
        var headers: HTTPFields = [
            .contentType: answer.type, .contentLength: String(answer.body.readableBytes), .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff", .contentSecurityPolicy: answer.policy,
        ]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        if let allow = answer.allow { headers[.allow] = allow }
        // The length is said to be the GET's.
        let body = request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: answer.body)
        return Response(status: answer.status, headers: headers, body: body)
    }

    private func answer(_ request: Request) async -> Answer {
        let path = request.uri.path
        guard Self.paths.contains(path) else {
            let all = Self.paths.joined(separator: " ")
            return Answer(.notFound, text: "There is nothing at this path; there is something at \(all)\n")
        }
        guard request.method == .get || request.method == .head else {
            var answer = Answer(.methodNotAllowed, text: "This path takes GET and HEAD.\n")
            answer.allow = "GET, HEAD"
            return answer
        }
        switch path {
        case "/metrics":
            return Answer(text: metrics.text(), type: "text/plain; version=0.0.4; charset=utf-8")
        case "/healthz":
            return await liveness.answer()
                ? Answer(text: "ok") : Answer(.serviceUnavailable, text: "the relay's loop does not answer\n")
        case "/readyz":
            let (isReady, document) = sight.readiness()
            return Answer(isReady ? .ok : .serviceUnavailable, document: document)
        case "/status":
            return Answer(document: sight.status())
        case "/history":
            let since = request.uri.queryParameters["since"].map { String($0) }
            return Answer(document: sight.history(since: since))
        default:
            var answer = Answer(text: "", type: "text/html; charset=utf-8")
            answer.body = page
            answer.policy = pagePolicy
            return answer
        }
    }

    private static let paths = ["/", "/metrics", "/healthz", "/readyz", "/status", "/history"]
}
