import HTTPTypes
import Hummingbird
import LedgerCore

extension Response {
    /// A JSON document, or a problem as one, by its status.
    static func json(_ content: String, status: Int = 200) -> Response {
        let type = status < 400 ? "application/json" : "application/problem+json"
        return Response(
            status: HTTPResponse.Status(code: status), headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: content)))
    }

    static func problem(_ problem: Problem) -> Response {
        var response = json(problem.json, status: problem.status)
        if problem.code == .keyInFlight || problem.status == 503 { response.headers[.retryAfter] = "1" }
        return response
    }

    static func notAllowed(_ method: HTTPRequest.Method, _ allowed: [HTTPRequest.Method]) -> Response {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        var response = problem(Problem(.methodNotAllowed, "Here is no \(method.rawValue), but \(names)."))
        response.headers[.allow] = names
        return response
    }
}

extension HTTPField.Name {
    private static func named(_ name: String) -> HTTPField.Name { HTTPField.Name(name) ?? .upgrade }

    static let idempotencyKey = named("Idempotency-Key")
    static let idempotentReplay = named("Idempotent-Replay")
}
