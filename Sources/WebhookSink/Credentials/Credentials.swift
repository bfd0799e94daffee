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
        for path in settings.secretFiles { secrets.append(try Self.secret(in: path, try read(path))) }
        var headers: [WebhookSettings.Header] = []
        for file in settings.headerFiles { headers.append(try Self.header(in: file, try read(file.path))) }
        self.secrets = secrets
        self.headers = headers
    }

    static func secret(in path: String, _ content: [UInt8]) throws(SinkError) -> SigningSecret {
        guard let secret = SigningSecret(String(decoding: content, as: UTF8.self)) else {
            throw .wrong("secret file \(path) holds neither whsec_… nor base64; write one secret into it")
        }
        return secret
    }

    static func header(
        in file: WebhookSettings.HeaderFile, _ content: [UInt8]
    ) throws(SinkError) -> WebhookSettings.Header {
        let value = String(decoding: content, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !value.isEmpty, HeaderText.isValue(value) else {
            throw .wrong(
                "file \(file.path) of header \(file.name) is empty, or has several lines or a control character; "
                    + "write one line into it")
        }
        return WebhookSettings.Header(name: file.name, value: value)
    }
}
