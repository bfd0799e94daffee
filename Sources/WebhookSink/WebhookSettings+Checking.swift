import RelayCore

extension WebhookSettings {
    /// Says what is wrong with the settings as far as that shows without looking at files.
    ///
    /// - Throws: One sentence without the settings' name.
    package func check() throws(SinkError) {
        _ = try ProxyEnvironment(variables: environment).proxy(for: try Endpoint(url))
        if batch < 1 || connections < 1 {
            throw .wrong("batch and concurrency must be at least 1")
        }
        if batch > 1 && contentMode == .binary {
            throw .wrong("a batch cannot be sent in mode binary; set mode: structured or batch: 1")
        }
        if (tls.certificate == nil) != (tls.key == nil) {
            throw .wrong("tls.cert and tls.key go together; set both or none")
        }
        for header in headers {
            try Self.check(header.name)
            if !HeaderText.isValue(header.value) {
                throw .wrong("the value of header \(header.name) holds a control character; remove it")
            }
        }
        for file in headerFiles { try Self.check(file.name) }
    }

    private static func check(_ name: String) throws(SinkError) {
        guard HeaderText.isName(name) else {
            throw .wrong("\"\(name.prefix(40))\" is not a header name; use letters, digits and dashes")
        }
        if HeaderText.isReserved(name) {
            throw .wrong("header \(name) is set by the relay itself; remove it")
        }
    }
}

extension SinkError {
    static func wrong(_ reason: String) -> SinkError { SinkError(.misconfigured, reason: reason) }
}
