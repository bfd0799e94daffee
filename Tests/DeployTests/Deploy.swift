import Foundation

/// The repository's `deploy/` folder.
enum Deploy {
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let folder = repository.appendingPathComponent("deploy")

    static func text(_ path: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
    }

    /// Where a script of `Tests/Scripts` is.
    static func script(_ name: String) -> String {
        repository.appendingPathComponent("Tests/Scripts/\(name)").path
    }
}
