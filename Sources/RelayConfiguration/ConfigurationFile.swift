private import Yams

/// What a YAML configuration file says: texts and the lines on which they stand. Values are read by
/// ``RelayOptions/init(resolving:)``; here is refused what is no key of this version.
package struct ConfigurationFile: Sendable, Hashable {
    /// A scalar and the line that it stands on, from 1.
    package struct Value: Sendable, Hashable {
        package var text: String
        package var line: Int
    }

    /// One entry of `sinks:`.
    package struct Sink: Sendable, Hashable {
        package var name: String?
        package var to: String
        package var line: Int
    }

    /// How errors name the file.
    package var path: String
    package var values: [OptionKey: Value] = [:]
    /// `nil` where the file has no `sinks:`.
    package var sinks: [Sink]?

    /// Reads the text of a file; YAML 1.1, one document, a mapping at the top.
    package init(yaml: String, path: String) throws(ConfigurationProblem) {
        self.path = path
        guard let root = try Self.compose(yaml, path: path) else { return }
        for (key, node) in try Self.mapping(root, what: "the file", path: path) {
            let name = key.string ?? ""
            if name == "sinks" {
                sinks = try Self.sinks(node, path: path)
            } else if let option = OptionKey(rawValue: name) {
                values[option] = try Self.scalar(node, key: name, path: path)
            } else {
                throw Self.refusal(
                    of: name, at: key, path: path, later: Self.laterKeys, known: "sinks or an option of run")
            }
        }
    }

    /// `relay.yaml:3: poll_interval`
    package func place(of key: OptionKey) -> String {
        "\(path):\(values[key]?.line ?? 1): \(key.rawValue)"
    }
}

extension ConfigurationFile {
    /// Keys that are documented for later versions.
    private static let laterKeys: Set<String> = ["listen", "outboxes"]
    private static let laterSinkKeys: Set<String> = [
        "rotate", "file_mode", "secret_files", "mode", "batch", "order", "concurrency", "on_reject", "retry", "timeout",
        "connect_timeout", "idle_timeout", "include", "exclude", "headers", "header_files", "tls",
    ]

    private static func compose(_ yaml: String, path: String) throws(ConfigurationProblem) -> Node? {
        do {
            return try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw problem(of: error, path: path)
        } catch {
            throw .configuration("\(path) is not YAML; mend the file")
        }
    }

    /// Yams' own description shows the line with its text, which may be a password: only the position is told.
    private static func problem(of error: YamlError, path: String) -> ConfigurationProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            .configuration("\(path):\(mark.line):\(mark.column): not valid YAML (\(problem)); mend the line")
        case .duplicatedKeysInMapping(let duplicates, let context):
            .configuration(
                "\(path):\(context.mark.line): the key '\(shown(duplicates.first ?? ""))' stands there twice; "
                    + "leave one of them")
        default:
            .configuration("\(path) is not valid YAML; mend the file")
        }
    }

    private static func sinks(_ node: Node, path: String) throws(ConfigurationProblem) -> [Sink] {
        guard case .sequence(let entries) = node, !entries.isEmpty else {
            throw .configuration(
                "\(path):\(line(node)): sinks must be a list of at least one sink; write '- {name: NAME, to: SPEC}'")
        }
        var sinks: [Sink] = []
        for entry in entries {
            var name: Value?
            var target: Value?
            for (key, value) in try mapping(entry, what: "an entry of sinks", path: path) {
                switch key.string ?? "" {
                case "name": name = try scalar(value, key: "name", path: path)
                case "to": target = try scalar(value, key: "to", path: path)
                case let other:
                    throw refusal(of: other, at: key, path: path, later: laterSinkKeys, known: "name or to")
                }
            }
            guard let target else {
                throw .configuration("\(path):\(line(entry)): this sink has no 'to'; write to: stdout, or another SPEC")
            }
            sinks.append(Sink(name: name?.text, to: target.text, line: target.line))
        }
        return sinks
    }

    private static func mapping(_ node: Node, what: String, path: String) throws(ConfigurationProblem) -> Node.Mapping {
        guard case .mapping(let mapping) = node else {
            throw .configuration("\(path):\(line(node)): \(what) must be a mapping; write 'key: value'")
        }
        return mapping
    }

    /// A scalar's text; `nil` where it is null, which is unset.
    private static func scalar(_ node: Node, key: String, path: String) throws(ConfigurationProblem) -> Value? {
        guard case .scalar(let scalar) = node else {
            throw .configuration("\(path):\(line(node)): \(key) must be a single value, not a list or mapping")
        }
        let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
        return isNull ? nil : Value(text: scalar.string, line: line(node))
    }

    private static func refusal(
        of name: String, at key: Node, path: String, later: Set<String>, known: String
    ) -> ConfigurationProblem {
        let place = "\(path):\(line(key))"
        return later.contains(name)
            ? .configuration("\(place): '\(name)' is not supported yet by this version; remove it")
            : .configuration("\(place): the key '\(shown(name))' is unknown; write \(known), or remove it")
    }

    private static func line(_ node: Node) -> Int {
        node.mark?.line ?? 1
    }
}
