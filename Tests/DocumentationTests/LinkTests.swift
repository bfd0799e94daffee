import Foundation
import Testing

/// Links between the documents, and from them to what else is in the repository.
@Suite struct LinkTests {
    private static let documents = (try? Repository.documents()) ?? []

    @Test func thereAreDocuments() throws {
        #expect(Set(["README.md", "docs/README.md", "docs/tutorial.md"]).isSubset(of: Set(try Repository.documents())))
    }

    @Test(arguments: documents) func everyLinkLeadsSomewhere(_ document: String) throws {
        let markdown = Markdown(try Repository.text(document))
        let folder = URL(fileURLWithPath: "/\(document)").deletingLastPathComponent()
        for (line, target) in markdown.links where !target.contains("://") && !target.hasPrefix("mailto:") {
            let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let path =
                parts[0].isEmpty
                ? document : String(folder.appendingPathComponent(parts[0]).standardized.path.dropFirst())
            guard FileManager.default.fileExists(atPath: Repository.root.appendingPathComponent(path).path) else {
                Issue.record("\(document):\(line): there is no \(path)")
                continue
            }
            guard parts.count == 2, path.hasSuffix(".md") else { continue }
            let anchors = Markdown(try Repository.text(path)).anchors
            #expect(anchors.contains(parts[1]), "\(document):\(line): \(path) has no heading #\(parts[1])")
        }
    }

    /// The map leads to every page of the documents, but for single decisions, which their folder lists.
    @Test func theMapLeadsToEveryPage() throws {
        let map = Markdown(try Repository.text("docs/README.md"))
        let linked = Set(map.links.map { "docs/" + ($0.target.split(separator: "#").first.map(String.init) ?? "") })
        for page in try Repository.documents(in: "docs") where page != "docs/README.md" {
            #expect(linked.contains(page) || page.hasPrefix("docs/decisions/"), "docs/README.md does not name \(page)")
        }
    }
}
