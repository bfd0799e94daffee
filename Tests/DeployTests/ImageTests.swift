import Foundation
import Testing

/// `deploy/docker/Dockerfile`, read: nothing here builds images.
@Suite struct ImageTests {
    /// Instructions with their continuation lines joined, one a line.
    private func instructions() throws -> [[Substring]] {
        try Deploy.text("docker/Dockerfile").split(separator: "\n").filter { !$0.hasPrefix("#") }
            .joined(separator: "\n").replacing("\\\n", with: " ").split(separator: "\n").map {
                $0.split(separator: " ")
            }
    }

    private func arguments(of instruction: String) throws -> [[Substring]] {
        try instructions().filter { $0.first.map(String.init) == instruction }.map { Array($0.dropFirst()) }
    }

    @Test func whatIsCopiedExists() throws {
        let copies = try arguments(of: "COPY")
        let sources = copies.filter { $0.first?.hasPrefix("--from=") == false }.flatMap { $0.dropLast() }
        #expect(sources.contains("Sources") && sources.contains("migrations"))
        for source in sources {
            let path = Deploy.repository.appendingPathComponent(String(source)).path
            #expect(FileManager.default.fileExists(atPath: path), "\(source)")
        }
        #expect(copies.filter { $0.first == "--from=build" }.count == 1)
    }

    /// Package.swift names the folders of all targets, which must be there to build one.
    @Test func whatIsBuiltFromIsCopied() throws {
        let package = try String(
            contentsOf: Deploy.repository.appendingPathComponent("Package.swift"), encoding: .utf8)
        let folders = Set(package.matches(of: /path: "([A-Za-z]+)\//).map { $0.1 } + ["Sources", "migrations"])
        let sources = Set(try arguments(of: "COPY").flatMap { $0.dropLast() })
        #expect(folders.isSubset(of: sources), "\(folders)")
    }

    @Test func runsAsANumberWithoutAShell() throws {
        #expect(try arguments(of: "USER").map { $0.joined() } == ["10001:10001"])
        #expect(try arguments(of: "ENTRYPOINT") == [["[\"/usr/bin/outbox-relay\"]"]])
        #expect(try arguments(of: "CMD") == [["[\"run\"]"]])
        #expect(try arguments(of: "HEALTHCHECK") == [["NONE"]])
    }

    /// Both stages are of one Debian, so that the libpq that it is linked with is the one that it meets.
    @Test func bothStagesAreOfOneDebian() throws {
        let images = try arguments(of: "FROM").compactMap(\.first)
        #expect(images == ["swift:6.2-bookworm", "debian:bookworm-slim"])
    }

    @Test func whatIsBuiltHereStaysHere() throws {
        let ignored = try String(
            contentsOf: Deploy.repository.appendingPathComponent(".dockerignore"), encoding: .utf8)
        #expect(Set(ignored.split(separator: "\n")).isSuperset(of: [".git", ".build"]))
    }
}
