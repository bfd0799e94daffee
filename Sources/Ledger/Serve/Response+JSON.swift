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
        // What was too slow would be so again.
        let mayComeAgain: Set<Problem.Code> = [.keyInFlight, .busy, .databaseUnavailable]
        if mayComeAgain.contains(problem.code) { response.headers[.retryAfter] = "1" }
        return response
    }

    static func notAllowed(_ method: HTTPRequest.Method, _ allowed: [HTTPRequest.Method]) -> Response {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        var response = problem(Problem(.methodNotAllowed, "This path takes \(names), not \(method.rawValue)."))
        response.headers[.allow] = names
        return response
    }
}

extension HTTPField.Name {
    static let idempotencyKey = known("Idempotency-Key")
    static let idempotentReplay = known("Idempotent-Replay")

    /// Of a name that the source spells out; it would be another one only if it had other characters than a name may have.
    private static func known(_ name: String) -> HTTPField.Name { HTTPField.Name(name) ?? .expect }
}
