import Foundation

/// The repository that these tests are part of.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A file's text.
    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The paths of all Markdown files, but for what building makes, in order.
    static func documents(in folder: String = ".") throws -> [String] {
        let base = root.appendingPathComponent(folder).standardizedFileURL.path
        let entries = FileManager.default.enumerator(atPath: base)
        var paths: [String] = []
        while let path = entries?.nextObject() as? String {
            let isBuilt = path.hasPrefix(".") && !path.hasPrefix(".ci")
            if isBuilt { entries?.skipDescendants() } else if path.hasSuffix(".md") { paths.append(path) }
        }
        return paths.sorted().map { folder == "." ? $0 : "\(folder)/\($0)" }
    }
}
