/// A mapping of the YAML file: what is under its keys, read by the shape that is expected there.
///
/// Every refusal names file, line and the path of keys, as `relay.yaml:7: sinks.billing.rotate.size: …`.
struct FileSection: Sendable, Hashable {
    /// How errors name the file.
    var file: String
    /// The keys that lead here; empty at the top.
    var path: String
    /// Where it begins.
    var line: Int
    var entries: [FileNode.Entry]

    /// Takes a node that must be a mapping.
    ///
    /// - Parameter path: the keys that lead to it.
    init(_ node: FileNode, path: String, in file: String) throws(ConfigurationProblem) {
        guard case .mapping(let entries) = node.content else {
            let what = path.isEmpty ? "the file" : path
            throw .configuration("\(file):\(node.line): \(what) must be a mapping; write 'key: value'")
                .on(line: node.line)
        }
        self.init(file: file, path: path, line: node.line, entries: entries)
    }

    init(file: String, path: String, line: Int, entries: [FileNode.Entry]) {
        self.file = file
        self.path = path
        self.line = line
        self.entries = entries
    }

    /// Whether a key is there with a value.
    func has(_ key: String) -> Bool { entry(key) != nil }

    /// How errors name a key of the section, or the section itself.
    func place(of key: String? = nil) -> String {
        let line = line(of: key)
        let keys = [path, key ?? ""].filter { !$0.isEmpty }.joined(separator: ".")
        return "\(file):\(line)" + (keys.isEmpty ? "" : ": \(keys)")
    }

    /// The line of a key, or of the section itself.
    func line(of key: String? = nil) -> Int { entries.first { $0.key == key }?.line ?? line }

    /// The problem of the section or of one of its keys.
    func problem(_ sentence: String, of key: String? = nil) -> ConfigurationProblem {
        .configuration("\(place(of: key)): \(sentence)").on(line: line(of: key))
    }

    /// The single value under a key; `nil` where it is unset.
    func setting(_ key: String) throws(ConfigurationProblem) -> Setting? {
        guard let entry = entry(key) else { return nil }
        guard case .scalar(let text) = entry.value.content else {
            throw problem("must be a single value, not a list or mapping; write one", of: key)
        }
        return Setting(text: text, layer: .file, place: place(of: key), line: line(of: key))
    }

    /// The values of the list under a key, at least one and at most `limit`; empty where the key is unset.
    func settings(_ key: String, limit: Int) throws(ConfigurationProblem) -> [Setting] {
        guard let entry = entry(key) else { return [] }
        guard case .list(let items) = entry.value.content, !items.isEmpty else {
            throw problem("must be a list of 1 to \(limit) values; write [VALUE, …]", of: key)
        }
        guard items.count <= limit else {
            throw problem("has \(items.count) values, and the limit is \(limit); remove some", of: key)
        }
        var settings: [Setting] = []
        for item in items {
            guard case .scalar(let text) = item.content else {
                throw problem("must be a list of single values; write [VALUE, …]", of: key)
            }
            let place = "\(file):\(item.line): \(keys(to: key))"
            settings.append(Setting(text: text, layer: .file, place: place, line: item.line))
        }
        return settings
    }

    /// The mapping under a key; `nil` where it is unset.
    func section(_ key: String) throws(ConfigurationProblem) -> FileSection? {
        guard let entry = entry(key) else { return nil }
        return try FileSection(entry.value, path: keys(to: key), in: file)
    }

    /// The refusal of a key that nobody knows. Its value is not shown: it may be a secret.
    func unknownKey(_ entry: FileNode.Entry, known: [String]) -> ConfigurationProblem {
        let place = "\(file):\(entry.line)" + (path.isEmpty ? "" : ": \(path)")
        let choices = known.joined(separator: ", ")
        return .configuration("\(place): the key '\(shown(entry.key))' is unknown; write one of \(choices)")
            .on(line: entry.line)
    }

    private func keys(to key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func entry(_ key: String) -> FileNode.Entry? {
        entries.first { $0.key == key && $0.value.content != .null }
    }
}
