internal import WebhookSink

/// The keys of an entry whose `to` is a webhook.
extension WebhookSettings {
    init(name: String, url: String, reading reader: SectionReader, lane: LaneKeys) {
        self.init(name: name, url: url)
        batch = lane.batch
        connections = lane.concurrency
        reader.set(&contentMode, .mode, choice)
        if contentMode == .binary, batch > 1 {
            reader.note(
                "needs mode: structured; binary mode sends one event per request", of: SinkKey.batch.rawValue)
        }
        secretFiles = Self.secretFiles(reader)
        // Only what somebody chose may be set: without order the rest follows the claim timeout.
        let chosen = reader.value(SinkKey.timeout.rawValue, duration(.milliseconds(100) ... .seconds(600)))
        if let chosen { timeout = chosen }
        reader.set(&connectTimeout, .connectTimeout, duration(.milliseconds(100) ... .seconds(300)))
        reader.set(&idleTimeout, .idleTimeout, duration(.seconds(1) ... .seconds(3600)))
        (headers, headerFiles) = HeaderKeys.read(reader)
        if let reader = reader.reader(.tls) { tls = TLSFiles(reading: reader, url: url) }
    }

    /// At most 5.
    private static func secretFiles(_ reader: SectionReader) -> [String] {
        var paths: [String] = []
        return reader.list(.secretFiles, limit: 5) { (setting) throws(ConfigurationProblem) in
            let path = try credentialPath(setting)
            guard !paths.contains(path) else { throw setting.problem("is given twice; remove one of them") }
            paths.append(path)
            return path
        }
    }
}

extension WebhookSettings.TLSFiles {
    fileprivate init(reading reader: SectionReader, url: String) {
        self.init()
        let areGood = reader.problems.noneIn {
            reader.refuseKeys(otherThan: ["ca", "cert", "key"])
            ca = reader.value("ca", credentialPath)
            certificate = reader.value("cert", credentialPath)
            key = reader.value("key", credentialPath)
        }
        if areGood, (certificate == nil) != (key == nil) {
            reader.note("cert and key go together; write both, or neither")
        }
        if !url.lowercased().hasPrefix("https:") { reader.note("needs an https URL; correct 'to', or remove it") }
    }
}

/// The path of a file that holds a secret or a certificate. It must look like a path, since what is written there in its
/// place would be shown when it cannot be read.
func credentialPath(_ setting: Setting) throws(ConfigurationProblem) -> String {
    guard ["/", "./", "../"].contains(where: setting.text.hasPrefix), setting.text.utf8.allSatisfy({ $0 >= 0x20 })
    else {
        throw setting.problem(
            "is not a file path; write one that begins with / or ./, and put the secret into that file")
    }
    return setting.text
}
