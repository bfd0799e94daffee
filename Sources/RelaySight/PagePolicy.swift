import Crypto
import Foundation

/// What a browser may do with the page: run its one script and apply its one style, known by their hashes, and ask the
/// server that it came from (https://www.w3.org/TR/CSP3/).
struct PagePolicy {
    /// The value of `content-security-policy`.
    let header: String

    /// - Parameter page: HTML with at most one `<style>` and one `<script>`, both without attributes.
    init(for page: [UInt8]) {
        let text = String(decoding: page, as: UTF8.self)
        let directives = [
            "default-src 'none'", "script-src \(Self.source(of: "script", in: text))",
            "style-src \(Self.source(of: "style", in: text))", "connect-src 'self'", "img-src data:",
            "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
        ]
        header = directives.joined(separator: "; ")
    }

    /// For what is no page.
    static let nothing = "default-src 'none'; frame-ancestors 'none'"

    /// The hash of what stands in an element, as a source; where there is none, nothing is allowed.
    private static func source(of element: String, in text: String) -> String {
        guard let opening = text.range(of: "<\(element)>"),
            let closing = text.range(of: "</\(element)>", range: opening.upperBound..<text.endIndex)
        else { return "'none'" }
        let content = text[opening.upperBound..<closing.lowerBound]
        let hash = SHA256.hash(data: Data(content.utf8))
        return "'sha256-\(Data(hash).base64EncodedString())'"
    }
}
