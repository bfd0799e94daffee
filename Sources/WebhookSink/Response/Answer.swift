import Foundation
import NIOHTTP1
import RelayCore

/// An answer as far as it matters.
package struct Answer: Sendable {
    package var status: Int
    /// The phrase that HTTP has for the status; empty for one it does not know.
    package var phrase: String
    package var retryAfter: String?
    package var location: String?
    /// How the body begins, made fit to be shown.
    package var excerpt: String

    package init(status: Int, phrase: String, retryAfter: String?, location: String?, excerpt: String) {
        self.status = status
        self.phrase = phrase
        self.retryAfter = retryAfter
        self.location = location
        self.excerpt = excerpt
    }

    /// What came, as the HTTP library gives it.
    ///
    /// - Parameters:
    ///   - beginning: How the body begins.
    ///   - hidden: What must not be shown.
    package init(
        status: HTTPResponseStatus, headers: HTTPHeaders, beginning: some Sequence<UInt8>, hiding hidden: [String]
    ) {
        // The phrase that HTTP knows, whatever the receiver wrote.
        let phrase = if case .custom = status { "" } else { status.reasonPhrase }
        self.init(
            status: Int(status.code), phrase: phrase, retryAfter: headers.first(name: "retry-after"),
            location: headers.first(name: "location").map { Excerpt.make($0.utf8, hiding: hidden) },
            excerpt: Excerpt.make(beginning, hiding: hidden))
    }

    /// What the answer means for the events of its request.
    ///
    /// - Parameters:
    ///   - receiver: The receiver, as it may be shown.
    ///   - now: Seconds since 1970, asked for where a date is to be compared with it.
    package func outcome(receiver: String, now: () -> Int64) -> DeliveryOutcome {
        switch status {
        case 200...299:
            return .delivered
        case 408, 425, 429, 500...599:
            let after = retryAfter.flatMap { RetryAfter.parse($0, now: now()) }
            return .retry(after: after, reason: sentence(receiver))
        case 300...399:
            guard let location else { return .rejected(reason: sentence(receiver)) }
            let host = URLComponents(string: location)?.host.map { Excerpt.make($0.utf8.prefix(100), hiding: []) }
            return .rejected(
                reason: "\(receiver) answered \(status) and redirects to \(host ?? "another path"), "
                    + "which is not followed; set the sink's URL to one that answers without a redirect")
        default:
            return .rejected(reason: sentence(receiver))
        }
    }

    private func sentence(_ receiver: String) -> String {
        let phrase = phrase.isEmpty ? "" : " \(phrase)"
        return "\(receiver) answered \(status)\(phrase)" + (excerpt.isEmpty ? "" : ": \"\(excerpt)\"")
    }
}
