import Foundation
import RelayTestKit
import Testing

/// `docs/runbook.md`, and the commands that alerts name.
@Suite struct RunbookTests {
    private static func text() throws -> String {
        try String(contentsOf: Deploy.repository.appendingPathComponent("docs/runbook.md"), encoding: .utf8)
    }

    /// Headings of the second level are entries; their anchors are their names in small letters.
    private static func headings() throws -> [String] {
        try text().matches(of: /(?m)^## (.+)$/).map { String($0.output.1) }
    }

    @Test func everyAlertHasAnEntryAndEveryEntryAnAlert() throws {
        let entries = try Self.headings().filter { $0 != "Look first" }
        #expect(Set(entries).count == entries.count)
        #expect(try Set(entries) == AlertRules.read().names)
    }

    @Test func everyEntryIsComplete() throws {
        let sections = try Self.text().components(separatedBy: "\n## ").filter { $0.hasPrefix("OutboxRelay") }
        #expect(sections.count > 10)
        for section in sections {
            let name = section.prefix { $0 != "\n" }
            #expect(section.contains("**See"), "\(name)")
            #expect(["**Do.**", "**See and do**", "| do |"].contains { section.contains($0) }, "\(name)")
        }
    }

    @Test func everyLinkLeadsSomewhere() throws {
        let docs = Deploy.repository.appendingPathComponent("docs")
        let links = try Self.text().matches(of: /\]\(([^)#]*)(?:#([^)]*))?\)/)
        #expect(!links.isEmpty)
        for link in links {
            let file = link.output.1.isEmpty ? "runbook.md" : String(link.output.1)
            let target = try String(contentsOf: docs.appendingPathComponent(file), encoding: .utf8)
            guard let anchor = link.output.2 else { continue }
            let anchors = target.matches(of: /(?m)^#+ (.+)$/).map { heading in
                heading.output.1.lowercased().filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
                    .replacing(" ", with: "-")
            }
            #expect(anchors.contains(String(anchor)), "\(file)#\(anchor)")
        }
    }

    /// What follows `outbox-relay` where a command is written, up to its end.
    private static func commands() throws -> [[Substring]] {
        let rules = try AlertRules.read().alerts.compactMap { $0.annotations?["description"] }
        let spans = ([try text()] + rules).flatMap { $0.matches(of: /`(outbox-relay [^`]+)`/).map(\.output.1) }
        let lines = try text().matches(of: /(?m)^(outbox-relay [^#\n]+)/).map(\.output.1)
        return (spans + lines).map { $0.split(whereSeparator: \.isWhitespace).dropFirst().map { $0 } }
    }

    /// The real binary's help knows each command and each of its flags.
    @Test func everyCommandIsOneOfTheBinarys() async throws {
        let commands = try Self.commands()
        #expect(commands.count > 20)
        var helps: [[Substring]: String] = [:]
        for command in commands {
            let words = command.prefix { $0.wholeMatch(of: /[a-z]+/) != nil }
            let path = Array(words.prefix(["sinks", "parked"].contains(words.first) ? 2 : 1))
            #expect(!path.isEmpty, "\(command)")
            if helps[path] == nil {
                let help = try await run(["outbox-relay"] + path.map(String.init) + ["--help"])
                #expect(help.status == .exited(0), "\(path): \(help.errors)")
                // That of the command itself, and not of the one above it.
                #expect(help.output.contains("USAGE: outbox-relay \(path.joined(separator: " "))"), "\(path)")
                helps[path] = help.output
            }
            for flag in command where flag.hasPrefix("--") {
                #expect(helps[path]?.contains("\n  \(flag)") == true, "\(command): \(flag)")
            }
        }
    }

    @Test func everyStatementRuns() async throws {
        let database = try await PrivateCluster.shared().database()
        let statements = try Self.text().matches(of: /(?s)```sql\n(.*?)```/).map { String($0.output.1) }
        #expect(statements.count > 4)
        for statement in statements { try await database.execute(statement) }
    }
}
