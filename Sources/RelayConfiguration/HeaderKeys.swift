internal import WebhookSink

/// `headers` and `header_files`: what travels with every request of a webhook beside what the relay sets itself.
enum HeaderKeys {
    /// Headers of a sink at most, both kinds together.
    static let limit = 64
    /// Bytes of a header's value at most.
    static let valueLimit = 8 << 10

    static func read(_ reader: SectionReader) -> ([WebhookSettings.Header], [WebhookSettings.HeaderFile]) {
        var names: Set<String> = []
        let headers = entries(reader, .headers) { (key, section) throws(ConfigurationProblem) in
            let name = try name(key, in: section, among: &names)
            guard !isSecret(name) else {
                throw section.problem(
                    "has the name of a secret; put its value into a file, and name that file in header_files", of: key)
            }
            return WebhookSettings.Header(name: name, value: try value(of: key, in: section))
        }
        let files = entries(reader, .headerFiles) { (key, section) throws(ConfigurationProblem) in
            let name = try name(key, in: section, among: &names)
            guard let setting = try section.setting(key) else {
                throw section.problem("names no file; write its path, or remove it", of: key)
            }
            return WebhookSettings.HeaderFile(name: name, path: try credentialPath(setting))
        }
        return (headers, files)
    }

    /// What is made of each entry of the mapping under a key.
    private static func entries<Made>(
        _ reader: SectionReader, _ key: SinkKey,
        _ make: (_ key: String, _ section: FileSection) throws(ConfigurationProblem) -> Made
    ) -> [Made] {
        guard let section = reader.reader(key)?.section else { return [] }
        return section.entries.compactMap { entry in
            reader.problems.value(line: entry.line) { () throws(ConfigurationProblem) in
                try make(entry.key, section)
            }
        }
    }

    /// A field name in lower case, once.
    private static func name(
        _ key: String, in section: FileSection, among names: inout Set<String>
    ) throws(ConfigurationProblem) -> String {
        guard HeaderText.isName(key), key.utf8.count <= 128 else {
            throw section.problem("is not a header name; use letters, digits and '-'", of: key)
        }
        let name = key.lowercased()
        guard !HeaderText.isReserved(name) else {
            throw section.problem("is a header that the relay sets itself; remove it", of: key)
        }
        guard names.insert(name).inserted else {
            throw section.problem("is given twice (case is ignored); remove one of them", of: key)
        }
        guard names.count <= limit else {
            throw section.problem("exceeds the limit of \(limit) headers; remove some", of: key)
        }
        return name
    }

    /// Field content (RFC 9110, 5.5) in ASCII, without blanks at the ends. Never shown.
    private static func value(of key: String, in section: FileSection) throws(ConfigurationProblem) -> String {
        guard let text = try section.setting(key)?.text else {
            throw section.problem("has no value; write one, or remove it", of: key)
        }
        let blanks: [Character] = [" ", "\t"]
        guard HeaderText.isValue(text), text.utf8.allSatisfy({ $0 < 0x80 }), text.utf8.count <= valueLimit,
            !text.isEmpty, !blanks.contains(where: { text.first == $0 || text.last == $0 })
        else {
            throw section.problem(
                "has a value that is not a header value; use up to \(ByteCount.text(valueLimit)) of printable ASCII",
                of: key)
        }
        return text
    }

    /// Values of such headers stay out of the file.
    private static func isSecret(_ name: String) -> Bool {
        name == "authorization" || name == "cookie"
            || ["token", "secret", "password", "api-key", "apikey", "access-key"].contains(where: name.contains)
    }
}
