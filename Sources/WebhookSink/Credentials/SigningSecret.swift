import Crypto
import Foundation

/// A secret that requests are signed with, by Standard Webhooks 1.0.0 ("Signature scheme", symmetric).
struct SigningSecret: Sendable {
    private let key: SymmetricKey

    /// Reads `whsec_…` or plain base64, padded or not, blanks around it ignored; nil where it is neither, or empty.
    init?(_ text: String) {
        var text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if text.hasPrefix("whsec_") { text.removeFirst("whsec_".count) }
        while !text.utf8.count.isMultiple(of: 4) { text.append("=") }
        guard let bytes = Data(base64Encoded: text), !bytes.isEmpty else { return nil }
        key = SymmetricKey(data: bytes)
    }

    /// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
    func signature(id: String, timestamp: Int64, body: UnsafeRawBufferPointer) -> String {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Array("\(id).\(timestamp).".utf8))
        code.update(data: body)
        return "v1,\(Data(code.finalize()).base64EncodedString())"
    }
}
