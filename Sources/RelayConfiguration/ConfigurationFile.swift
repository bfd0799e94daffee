private import Yams

/// What a YAML configuration file says: texts and the lines on which they are. Values are read by
/// ``RelayOptions/init(resolving:)``; here is refused what is no key of this version.
package struct ConfigurationFile: Sendable, Hashable {
    /// Bytes of a file at most.
    package static let sizeLimit = 1 << 20
    /// Entries of `sinks:` at most.
    static let sinkLimit = 1000

    /// How errors name the file.
    package var path: String
    /// What is under the options that hold one value.
    var values: [OptionKey: Setting] = [:]
    /// `nil` where the file has no `sinks:`.
    var sinks: [FileSection]?

    /// What is wrong in it, as far as that shows without reading the values.
    private(set) var problems: [ConfigurationProblem] = []
    /// The options, and whether the sinks, that have such a problem.
    private(set) var badValues: Set<OptionKey> = []
    private(set) var hasBadSinks = false

    /// Reads the text of a file; YAML 1.1, one document, a mapping at the top. Text that is not that is the one problem of
    /// the file; all else that is wrong stands beside what is right.
    package init(yaml: String, path: String) {
        self.path = path
        let found = FoundProblems()
        if let top = found.value({ () throws(ConfigurationProblem) in try Self.top(of: yaml, path: path) }) ?? nil {
            take(top, noting: found)
        }
        problems = found.all
    }

    /// A file of which nothing is known but what is wrong with it.
    init(path: String, problem: String) {
        self.path = path
        problems = [.configuration(problem)]
    }

    private mutating func take(_ top: FileSection, noting found: FoundProblems) {
        for entry in top.entries {
            if entry.key == "sinks" {
                hasBadSinks = !found.noneIn { sinks = Self.sinks(entry, path: path, noting: found) }
            } else if let option = OptionKey(rawValue: entry.key) {
                let isGood = found.noneIn {
                    values[option] =
                        found.value { () throws(ConfigurationProblem) in try top.setting(entry.key) } ?? nil
                }
                if !isGood { badValues.insert(option) }
            } else if Self.laterKeys.contains(entry.key) {
                found.note(
                    .configuration(
                        "\(path):\(entry.line): '\(entry.key)' is not supported yet by this version; remove it"
                    ).on(line: entry.line))
            } else {
                found.note(top.unknownKey(entry, known: ["sinks"] + OptionKey.allCases.map(\.rawValue)))
            }
        }
    }

    /// The mapping at the top; nil where the file is empty.
    private static func top(of yaml: String, path: String) throws(ConfigurationProblem) -> FileSection? {
        guard yaml.utf8.count <= sizeLimit else {
            throw .configuration("\(path) is larger than \(ByteCount.text(sizeLimit)); name the right file")
        }
        let bound = AliasBound(of: yaml)
        guard !bound.isTooMuch else {
            throw .configuration(
                "\(path) has \(bound.anchors) anchors and \(bound.aliases) aliases, which may expand to more than can be "
                    + "read; write out what they repeat, or use fewer aliases")
        }
        guard let root = try compose(yaml, path: path) else { return nil }
        var room = FileNode.limit
        guard let node = FileNode(root, room: &room) else {
            throw .configuration(
                "\(path) expands to more than \(FileNode.limit) values; write fewer of them, or use fewer aliases")
        }
        return node.content == .null ? nil : try FileSection(node, path: "", in: path)
    }

    /// Keys that are documented for later versions.
    private static let laterKeys: Set<String> = ["outboxes"]

    private static func sinks(
        _ entry: FileNode.Entry, path: String, noting found: FoundProblems
    ) -> [FileSection]? {
        if entry.value.content == .null { return nil }
        guard case .list(let items) = entry.value.content, !items.isEmpty else {
            found.note(
                .configuration(
                    "\(path):\(entry.line): sinks must be a list of 1 to \(sinkLimit) sinks; "
                        + "write '- {name: NAME, to: SPEC}'"
                ).on(line: entry.line))
            return nil
        }
        guard items.count <= sinkLimit else {
            found.note(
                .configuration(
                    "\(path):\(entry.line): sinks has \(items.count) sinks, and one relay serves up to \(sinkLimit); "
                        + "remove some"
                ).on(line: entry.line))
            return nil
        }
        return items.enumerated().compactMap { index, item in
            found.value { () throws(ConfigurationProblem) in
                try FileSection(item, path: "sinks[\(index)]", in: path)
            }
        }
    }

    private static func compose(_ yaml: String, path: String) throws(ConfigurationProblem) -> Node? {
        do {
            return try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw problem(of: error, path: path)
        } catch {
            throw .configuration("\(path) is not YAML; correct the file")
        }
    }

    /// Yams' own description shows the line with its text, which may be a password: only the position is told.
    private static func problem(of error: YamlError, path: String) -> ConfigurationProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            .configuration("\(path):\(mark.line):\(mark.column): not valid YAML (\(problem)); correct the line")
        case .duplicatedKeysInMapping(let duplicates, let context):
            .configuration(
                "\(path):\(context.mark.line): the key '\(shown(duplicates.first ?? ""))' is given twice; "
                    + "remove one of them")
        default:
            .configuration("\(path) is not valid YAML; correct the file")
        }
    }
}
