import Foundation
import RelayTestKit
import Testing

/// A folder of a test's own, for a configuration file and what is beside it; gone with the test.
final class SinkFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("sinks-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Writes the configuration, in which FOLDER stands for the folder, and gives the options that name it.
    func configuration(_ yaml: String) throws -> [String] {
        ["--config", try write("relay.yaml", yaml.replacing("FOLDER", with: path))]
    }

    /// The ids of the events in a file; lines that are no event are an error, one that is being written is none.
    func ids(_ name: String) throws -> [Int64] {
        guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else { return [] }
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        return try lines.map { line in
            try #require(EventLine.id(of: line), "\(String(decoding: line, as: UTF8.self))")
        }
    }

    /// The files in it whose name begins so.
    func files(_ prefix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix(prefix) }.sorted()
    }
}
