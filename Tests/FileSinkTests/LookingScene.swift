import FileSink
import Foundation
import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization

/// An open sink whose folder is changed under it.
struct LookingScene {
    /// Where the sink's folder is, or was.
    let path: String
    /// The template's last part.
    let name: String
    let settings: FileSinkSettings
    let sink: FileSink
    private let occasion: LookingAgainTests.Occasion
    private let base: TestFolder
    /// On another file system, where there is one.
    private let other: TestFolder
    private let batch: EventBatch
    private let clock = TestClock("2026-11-20T10:30:00Z")
    private let disk = FaultyDisk()

    init(_ occasion: LookingAgainTests.Occasion) async throws {
        self.occasion = occasion
        base = try TestFolder()
        other = try (try? TestFolder(in: "/dev/shm")) ?? TestFolder()
        batch = try makeBatch(1...30)
        path = base.path(of: "folder")
        name = occasion == .rotationByDate ? "events-%H" : "events"
        guard mkdir(path, 0o755) == 0 else { throw KitFailure("no folder") }
        var rotation = FileSinkSettings.Rotation()
        // Ten fit.
        if occasion == .rotationBySize { rotation.size = batch.text(0..<10).utf8.count + 1 }
        if occasion == .rotationByAge { rotation.age = .seconds(3600) }
        settings = FileSinkSettings(path: "\(path)/\(name)", rotation: rotation)
        sink = FileSink(settings, now: clock.now, calls: disk.calls)
        try await sink.open(OutboxPosition(lastValue: 100))
    }

    func answers(_ range: Range<Int>) async -> Answers {
        await sink.answers(to: .init(slices: [.init(batch: batch, range: range)]))
    }

    /// Delivers, again where a fault is told of.
    func deliver(_ range: Range<Int>) async {
        for _ in 0..<3 where await answers(range).delivered < range.count {}
    }

    /// What says that the path be looked at.
    func occur() async {
        switch occasion {
        case .fault:
            disk.inject(.outage)
            _ = await answers(10..<20)
            disk.inject(nil)
        case .hangUp: await sink.reopen()
        case .rotationBySize: break
        case .rotationByAge, .rotationByDate: clock.advance(3600)
        }
    }

    func make(_ change: LookingAgainTests.Change) throws {
        let old = base.path(of: "old")
        switch change {
        case .removed: try FileManager.default.removeItem(atPath: path)
        default: try take()
        }
        switch change {
        case .removed, .moved: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        case .mountedOver:
            try FileManager.default.createSymbolicLink(
                atPath: path, withDestinationPath: other.path)
        case .restored: try FileManager.default.copyItem(atPath: old, toPath: path)
        case .restoredByLinks:
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            for name in try FileManager.default.contentsOfDirectory(atPath: old) {
                guard link("\(old)/\(name)", "\(path)/\(name)") == 0 else { throw KitFailure("no link") }
            }
        }
    }

    /// Moves the folder away.
    func take() throws { try FileManager.default.moveItem(atPath: path, toPath: base.path(of: "old")) }

    /// Moves it back.
    func putBack() throws { try FileManager.default.moveItem(atPath: base.path(of: "old"), toPath: path) }

    /// The ids in the folder that the path leads to, in the order of writing.
    func ids() throws -> [Int64] { try Self.ids(in: path) }

    func ids(_ name: String) throws -> [Int64] { try Self.ids(in: path, name) }

    /// The ids in the folder that was moved away.
    func idsOfOldFolder() throws -> [Int64] {
        let old = base.path(of: "old")
        return FileManager.default.fileExists(atPath: old) ? try Self.ids(in: old) : []
    }

    /// Why another sink of the same path does not open.
    func refusalOfAnother() async throws -> String {
        do throws(SinkError) {
            try await FileSink(settings).open(OutboxPosition(lastValue: 100))
            return ""
        } catch {
            return error.reason
        }
    }

    func opensForAnother() async throws {
        let another = FileSink(settings)
        // A close that waits for a slow disk gives up waiting; the lock goes once the disk has answered.
        try await eventually("another sink opens") {
            (try? await another.open(OutboxPosition(lastValue: 100))) != nil
        }
        await another.close()
    }

    private static func ids(in folder: String) throws -> [Int64] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }
        // Those that were put aside come before the one of their name, as "events.000001" does not by itself.
        return try names.sorted { $0 + "~" < $1 + "~" }.flatMap { try ids(in: folder, $0) }
    }

    private static func ids(in folder: String, _ name: String) throws -> [Int64] {
        try eventIDs(inLines: Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))))
    }
}
