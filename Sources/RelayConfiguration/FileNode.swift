internal import Yams

/// A value of the YAML file and the line that it stands on, without anything of the parser.
struct FileNode: Sendable, Hashable {
    /// What is there.
    enum Content: Sendable, Hashable {
        /// Nothing, `~` or `null`: unset.
        case null
        case scalar(String)
        case list([FileNode])
        case mapping([Entry])
    }

    /// A key of a mapping with its value; the line is that of the key.
    struct Entry: Sendable, Hashable {
        var key: String
        var line: Int
        var value: FileNode
    }

    var content: Content
    /// From 1.
    var line: Int

    /// Values that a file may hold in all. An alias counts as often as it is used: a small file may stand for a huge one.
    static let limit = 10_000

    /// Takes over a node of the parser.
    ///
    /// - Parameter room: how many more nodes may come.
    /// - Returns: `nil` where there is no room for it.
    init?(_ node: Node, room: inout Int) {
        guard room > 0 else { return nil }
        room -= 1
        line = node.mark?.line ?? 1
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            content = isNull ? .null : .scalar(scalar.string)
        case .sequence(let sequence):
            var items: [FileNode] = []
            for item in sequence {
                guard let item = FileNode(item, room: &room) else { return nil }
                items.append(item)
            }
            content = .list(items)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard let item = FileNode(value, room: &room) else { return nil }
                entries.append(Entry(key: key.string ?? "", line: key.mark?.line ?? line, value: item))
            }
            content = .mapping(entries)
        case .alias:
            // The parser has put in what each of them stands for.
            content = .null
        }
    }
}
