import Foundation
import RelayTestKit

/// The browser that looks at the page.
enum Chromium {
    private static let names = ["chromium", "chromium-headless-shell", "google-chrome", "chrome-headless-shell"]

    /// Debian has a package; Ubuntu's of that name only leads to a snap.
    static var canBeHad: Bool {
        let system = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
        return found != nil || system.split(separator: "\n").contains("ID=debian")
    }

    static func path() throws -> String {
        guard let found else {
            throw KitFailure("there is no Chromium: run Tests/Scripts/prerequisites test, as make does")
        }
        return found
    }

    private static var found: String? {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["CHROMIUM"], !named.isEmpty { return named }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        let candidates = names.flatMap { name in folders.map { "\($0)/\(name)" } }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
