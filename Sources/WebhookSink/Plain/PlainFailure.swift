import Glibc

/// Why a request on a plain connection got no answer.
enum PlainFailure: Error, Sendable, Hashable {
    /// No address is known for the receiver's name.
    case unresolved
    /// No address accepted a connection: the `errno` of the first.
    case unreachable(Int32)
    /// None did in time.
    case connectTimeout
    /// No head of an answer came in time.
    case timeout
    /// The connection ended before the head of an answer did.
    case closed
    /// It broke, with this `errno`.
    case broken(Int32)
    /// The system gives no socket, or no thread to look names up.
    case noMeans(Int32)

    /// - Parameter receiver: The receiver, as it may be shown.
    func sentence(_ receiver: String, _ settings: WebhookSettings) -> String {
        switch self {
        case .unresolved: "\(receiver) cannot be reached: its name cannot be resolved"
        case .unreachable(let code): "\(receiver) cannot be reached: \(Self.text(code))"
        case .connectTimeout: "connecting to \(receiver) took longer than \(settings.connectTimeout)"
        case .timeout: "\(receiver) did not answer within \(settings.timeout)"
        case .closed: "\(receiver) closed the connection before it answered"
        case .broken(let code): "the connection to \(receiver) was lost: \(Self.text(code))"
        case .noMeans(let code):
            "no connection to \(receiver) can be opened (\(Self.text(code))); raise the limits on open files and tasks"
        }
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
