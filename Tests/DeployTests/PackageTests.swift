import Foundation
import RelayTestKit
import Testing

/// `deploy/debian`. What the package does, `make deb-check` tries.
@Suite struct PackageTests {
    /// The version that is packed is the one that the program says.
    @Test func theChangelogHasTheVersion() async throws {
        let says = try await run(["outbox-relay", "--version"])
        let version = try #require(says.output.split(separator: " ").dropFirst().first)
        let entry = try #require(try Deploy.text("debian/changelog").split(separator: "\n").first)
        #expect(entry.hasPrefix("outbox-relay (\(version)-"), "\(entry)")
        let parsed = try await run(
            ["dpkg-parsechangelog", "-l", Deploy.folder.appendingPathComponent("debian/changelog").path])
        #expect(parsed.status == .exited(0) && parsed.errors.isEmpty, "\(parsed.errors)")
    }

    @Test(arguments: [
        "Package: outbox-relay", "Architecture: any", "Depends: ${shlibs:Depends}",
        "Maintainer: outbox-relay maintainers <maintainers@outbox-relay.example>",
    ])
    func theControlFileSays(_ line: String) throws {
        #expect(try Deploy.text("debian/control").split(separator: "\n").contains(Substring(line)))
    }

    @Test(arguments: ["postinst", "prerm", "postrm"]) func aScriptIsSound(_ name: String) async throws {
        let text = try Deploy.text("debian/\(name)")
        #expect(text.hasPrefix("#!/bin/sh\n") && text.contains("\nset -e\n"))
        let read = try await run(["sh", "-n", Deploy.folder.appendingPathComponent("debian/\(name)").path])
        #expect(read.status == .exited(0) && read.errors.isEmpty, "\(read.errors)")
    }

    /// Once for each of the licence's paragraphs.
    @Test func theCopyrightHasTheLicence() throws {
        let licence = try String(contentsOf: Deploy.repository.appendingPathComponent("LICENSE"), encoding: .utf8)
        let words = { (text: String) in text.split { $0.isWhitespace || $0 == "." }.joined(separator: " ") }
        let text = words(licence.components(separatedBy: "\n\n").dropFirst(2).joined(separator: "\n\n"))
        #expect(text.hasPrefix("Permission is hereby granted"))
        #expect(words(try Deploy.text("debian/copyright")).hasSuffix(text))
    }

    /// The service is enabled before it is configured: it waits for the file that the unit reads.
    @Test func waitsForItsConfiguration() throws {
        let unit = try Deploy.text("systemd/outbox-relay.service")
        #expect(unit.contains("\nEnvironmentFile=-/etc/outbox-relay/environment\n"))
        let condition = "[Unit]\nConditionPathExists=/etc/outbox-relay/environment\n"
        #expect(try Deploy.text("debian/10-configured.conf").hasSuffix(condition))
    }
}
