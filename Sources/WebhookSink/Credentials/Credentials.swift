import Foundation
import RelayCore

/// What is in the secret and header files.
struct Credentials: Sendable {
    /// Largest size of a file, in bytes.
    static let fileLimit = 16 << 10

    let secrets: [SigningSecret]
    let headers: [WebhookSettings.Header]

    static let none = Credentials(secrets: [], headers: [])

    private init(secrets: [SigningSecret], headers: [WebhookSettings.Header]) {
        self.secrets = secrets
        self.headers = headers
    }

    /// Makes sense of what the files hold, which it never shows.
    init(_ settings: WebhookSettings, read: (_ path: String) throws(SinkError) -> [UInt8]) throws(SinkError) {
        var secrets: [SigningSecret] = []
        for path in settings.secretFiles {
            guard let secret = SigningSecret(String(decoding: try read(path), as: UTF8.self)) else {
                throw .wrong("secret file \(path) holds neither whsec_… nor base64; write one secret into it")
            }
            secrets.append(secret)
        }
        var headers: [WebhookSettings.Header] = []
        for file in settings.headerFiles {
            let value = String(decoding: try read(file.path), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard !value.isEmpty, HeaderText.isValue(value) else {
                throw .wrong(
                    "file \(file.path) of header \(file.name) is empty, or has several lines or a control character; "
                        + "write one line into it")
            }
            headers.append(.init(name: file.name, value: value))
        }
        self.secrets = secrets
        self.headers = headers
    }
}
