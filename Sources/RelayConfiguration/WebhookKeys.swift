internal import WebhookSink

/// The keys of an entry whose `to` is a webhook.
extension WebhookSettings {
    init(
        name: String, url: String, reading section: FileSection, lane: LaneKeys
    ) throws(ConfigurationProblem) {
        self.init(name: name, url: url)
        batch = lane.batch
        connections = lane.concurrency
        if let setting = try section.setting(.mode) { contentMode = try choice(setting) }
        guard contentMode == .structured || batch == 1 else {
            throw section.problem("needs mode: structured; binary mode sends one event per request", of: "batch")
        }
        secretFiles = try Self.secretFiles(section)
        if let setting = try section.setting(.timeout) {
            timeout = try duration(.milliseconds(100) ... .seconds(600))(setting)
        }
        if let setting = try section.setting(.connectTimeout) {
            connectTimeout = try duration(.milliseconds(100) ... .seconds(300))(setting)
        }
        if let setting = try section.setting(.idleTimeout) {
            idleTimeout = try duration(.seconds(1) ... .seconds(3600))(setting)
        }
        (headers, headerFiles) = try HeaderKeys.read(section)
        if let section = try section.section(SinkKey.tls.rawValue) { tls = try TLSFiles(reading: section, url: url) }
    }

    /// At most 5.
    private static func secretFiles(_ section: FileSection) throws(ConfigurationProblem) -> [String] {
        var paths: [String] = []
        for setting in try section.settings(SinkKey.secretFiles.rawValue, limit: 5) {
            let path = try credentialPath(setting)
            guard !paths.contains(path) else { throw setting.problem("is given twice; remove one of them") }
            paths.append(path)
        }
        return paths
    }
}

extension WebhookSettings.TLSFiles {
    fileprivate init(reading section: FileSection, url: String) throws(ConfigurationProblem) {
        try section.refuseKeys(otherThan: ["ca", "cert", "key"])
        self.init(
            ca: try section.setting("ca").map(credentialPath),
            certificate: try section.setting("cert").map(credentialPath),
            key: try section.setting("key").map(credentialPath))
        guard (certificate == nil) == (key == nil) else {
            throw section.problem("cert and key go together; write both, or neither")
        }
        guard url.lowercased().hasPrefix("https:") else {
            throw section.problem("needs an https URL; correct 'to', or remove it")
        }
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
