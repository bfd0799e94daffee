import HTTPTypes
import Hummingbird
import LedgerCore
import Logging
import Metrics
import NIOCore

/// Makes an answer of whatever a request ends with, and counts it.
struct Answering: RouterMiddleware {
    let log: Logger
    /// The methods that are answered at a path.
    let methods: @Sendable (String) -> [HTTPRequest.Method]

    @concurrent func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        var endpoint = "\(request.method.rawValue) \(context.endpointPath ?? "elsewhere")"
        do {
            response = try await next(request, context)
        } catch let problem as Problem {
            response = .problem(problem)
        } catch let error as any HTTPResponseError where error.status == .notFound {
            endpoint = "elsewhere"
            let allowed = methods(request.uri.path)
            response =
                allowed.isEmpty
                ? .problem(Problem(.notFound, "There is nothing at this path.")) : .notAllowed(request.method, allowed)
        } catch let error as any HTTPResponseError {
            response = .problem(Problem(.invalidRequest, "The request is refused with \(error.status)."))
        } catch let error as ChannelError {
            // The client has gone, or was too slow: nobody is there to answer.
            throw error
        }
        if request.method == .head {
            // Setting a body sets its length, and this one's is said to be the GET's.
            let length = response.headers[.contentLength]
            response.body = ResponseBody()
            response.headers[.contentLength] = length
        }
        let dimensions = [("endpoint", endpoint), ("status", String(response.status.code))]
        Counter(label: MetricNames.requests, dimensions: dimensions).increment()
        Timer(label: MetricNames.duration, dimensions: [dimensions[0]])
            .recordNanoseconds((ContinuousClock.now - start).nanoseconds)
        return response
    }
}

extension Duration {
    /// Clamped to what 64 bits hold, 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isBeyond) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return isTooLong || isBeyond ? (seconds < 0 ? .min : .max) : sum
    }
}
