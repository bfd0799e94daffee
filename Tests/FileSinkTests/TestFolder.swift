import FileSink
import Foundation
import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import WallClock

/// A folder that goes with the test.
final class TestFolder: Sendable {
    let path: String

    /// - Parameter parent: the folder that it is in; that of temporary files unless told otherwise.
    init(in parent: String = FileManager.default.temporaryDirectory.path) throws {
        path = "\(parent)/file-sink-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(of name: String) -> String { "\(path)/\(name)" }

    /// The names of the files, in order, without those of locks.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted() }
    }

    func text(_ name: String) throws -> String { try String(contentsOfFile: path(of: name), encoding: .utf8) }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(of: name)))
    }

    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path(of: name), toPath: path(of: other))
    }

    /// Which file a name leads to.
    func status(_ name: String) throws -> stat {
        var status = stat()
        guard stat(path(of: name), &status) == 0 else { throw KitFailure("no file \(name)") }
        return status
    }

    /// The ids in all files, those that were put aside first, in the order of their names.
    func ids(_ name: String = "events.jsonl") throws -> [Int64] {
        let names = try names
        return try (names.filter { $0 != name } + names.filter { $0 == name }).flatMap { name in
            try eventIDs(inLines: Array(Data(contentsOf: URL(fileURLWithPath: path(of: name)))))
        }
    }
}

/// An open sink on a file of the folder.
func openSink(
    _ folder: TestFolder, _ name: String = "events.jsonl", rotation: FileSinkSettings.Rotation = .init(),
    window: Int = 1000, lastValue: Int64 = 1_000_000, now: @escaping @Sendable () -> Int64 = { WallClock.microseconds }
) async throws -> FileSink {
    let settings = FileSinkSettings(path: folder.path(of: name), rotation: rotation, window: window)
    let sink = FileSink(settings, now: now)
    try await sink.open(OutboxPosition(lastValue: lastValue))
    return sink
}

/// Why a sink does not open.
func refusal(
    _ folder: TestFolder, _ name: String = "events.jsonl", lastValue: Int64 = 1_000_000
) async throws -> SinkError {
    do throws(SinkError) {
        let sink = FileSink(FileSinkSettings(path: folder.path(of: name)))
        try await sink.open(OutboxPosition(lastValue: lastValue))
        await sink.close()
    } catch {
        return error
    }
    throw KitFailure("the sink opened")
}
