import Foundation
import RelayCore

/// What a collector's answer means for the spans of its request (OTLP 1.5, "OTLP/HTTP Response").
package enum CollectorAnswer: Sendable, Hashable {
    /// It has them, but for so many.
    case taken(rejected: Int, reason: String)
    /// It will never take them.
    case refused(reason: String)
    /// Try again, not before `after` where it asked for that.
    case away(after: Duration?, reason: String)

    /// The longest wait that is granted: what comes meanwhile has little room.
    static let longestWait: Int64 = 30

    package init(status: Int, retryAfter: String?, body: [UInt8]) {
        switch status {
        case 200...299:
            let partial = try? JSONDecoder().decode(ExportResponse.self, from: Data(body)).partialSuccess
            self = .taken(
                rejected: max(0, partial?.rejected ?? 0), reason: Self.shown(partial?.message ?? ""))
        case 429, 502, 503, 504:
            // A date is as good as none: the tries that follow have a schedule of their own.
            let seconds = retryAfter.flatMap { Int64($0.trimmingCharacters(in: .whitespaces)) }
            let after = seconds.map { Duration.seconds(min(max($0, 0), Self.longestWait)) }
            self = .away(after: after, reason: "it answered \(status)")
        default:
            self = .refused(reason: "it answered \(status)")
        }
    }

    private static func shown(_ text: String) -> String { String(text.prefix(200).filter(\.isVisible)) }
}

/// ExportTraceServiceResponse, as far as it matters.
private struct ExportResponse: Decodable {
    struct PartialSuccess: Decodable {
        var rejected: Int
        var message: String

        private enum Key: String, CodingKey {
            case rejectedSpans, errorMessage
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Key.self)
            // A 64-bit number: a string, but some write a number.
            let text = try? values.decodeIfPresent(String.self, forKey: .rejectedSpans)
            let number = try? values.decodeIfPresent(Int.self, forKey: .rejectedSpans)
            rejected = text.flatMap { Int($0) } ?? number ?? 0
            message = (try? values.decodeIfPresent(String.self, forKey: .errorMessage)) ?? ""
        }
    }

    var partialSuccess: PartialSuccess?
}
