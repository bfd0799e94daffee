import FileSink
import Foundation
import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import Testing

/// What somebody does to the folder or the file under a running sink, and what then says that it be looked at.
@Suite("A path is looked at again", .timeLimit(.minutes(2)))
struct LookingAgainTests {
    /// What becomes of the folder.
    enum Change: String, CaseIterable {
        /// `rm -rf`, then `mkdir`.
        case removed
        /// Moved away, then made anew.
        case moved
        /// Another file system is at its path; here one that a symbolic link leads to.
        case mountedOver
        /// Moved away, and a copy with all its files is put in its place.
        case restored
        /// The same with hard links: the files are the very same.
        case restoredByLinks
    }

    /// What says that the path be looked at.
    enum Occasion: String, CaseIterable {
        case fault, hangUp, rotationBySize, rotationByAge, rotationByDate
    }

    @Test(arguments: Change.allCases, Occasion.allCases)
    func ofTheFolder(_ change: Change, _ occasion: Occasion) async throws {
        let scene = try await LookingScene(occasion)
        await scene.deliver(0..<10)
        try scene.make(change)
        await scene.occur()
        await scene.deliver(5..<30)

        // In the new folder is all that came since, and of what came before only what is nowhere else.
        let isCopy = change == .restored || change == .restoredByLinks
        let first = change == .removed ? 6 : isCopy ? 1 : 11
        #expect(try scene.ids() == Array(Int64(first)...30))
        let expected = change == .removed ? [] : change == .restoredByLinks ? Array(1...30) : Array(1...10)
        let left = try scene.idsOfOldFolder()
        #expect(change == .restoredByLinks ? left.starts(with: 1...10) : left == expected.map(Int64.init))
        // The lock is there too, and held.
        #expect(try await scene.refusalOfAnother().contains("is locked by this process itself"))
        await scene.sink.close()
        try await scene.opensForAnother()
    }

    @Test(arguments: Occasion.allCases) func noFolderAtAllAndThenOne(_ occasion: Occasion) async throws {
        let scene = try await LookingScene(occasion)
        await scene.deliver(0..<10)
        try scene.take()
        await scene.occur()
        let answers = await scene.answers(10..<20)
        #expect(answers.delivered == 0)
        guard case .retry(_, let reason) = answers.failures.first else {
            Issue.record("\(answers.all)")
            return
        }
        #expect(reason == "\(scene.path) does not exist (No such file or directory); create the folder")
        // As it says.
        #expect(mkdir(scene.path, 0o755) == 0)
        await scene.deliver(5..<20)
        #expect(try scene.ids() == Array(11...20))
        #expect(try scene.idsOfOldFolder() == Array(1...10))
        await scene.sink.close()
    }

    @Test(arguments: Occasion.allCases) func theFolderComesBack(_ occasion: Occasion) async throws {
        let scene = try await LookingScene(occasion)
        await scene.deliver(0..<10)
        try scene.take()
        await scene.occur()
        #expect(await scene.answers(10..<20).delivered == 0)
        try scene.putBack()
        await scene.deliver(5..<30)
        #expect(try scene.ids() == Array(1...30))
        await scene.sink.close()
    }

    /// Somebody else has the new folder already.
    @Test func anotherProcessHoldsTheNewFolder() async throws {
        let scene = try await LookingScene(.hangUp)
        await scene.deliver(0..<10)
        try scene.make(.moved)
        let other = FileSink(scene.settings)
        try await other.open(OutboxPosition(lastValue: 100))
        await scene.occur()
        #expect(await scene.answers(10..<20).delivered == 0)
        await other.close()
        await scene.deliver(5..<20)
        #expect(try scene.ids() == Array(11...20))
        await scene.sink.close()
    }

    /// The lock alone is gone: another process could take it.
    @Test(arguments: Occasion.allCases) func theLockIsRemoved(_ occasion: Occasion) async throws {
        let scene = try await LookingScene(occasion)
        await scene.deliver(0..<10)
        #expect(unlink("\(scene.path)/.\(scene.name).lock") == 0)
        await scene.occur()
        await scene.deliver(5..<30)
        #expect(try await scene.refusalOfAnother().contains("is locked by this process itself"))
        #expect(try scene.ids() == Array(1...30))
        await scene.sink.close()
    }

    @Test func theFileIsMovedAndAFaultSaysSo() async throws {
        let scene = try await LookingScene(.fault)
        await scene.deliver(0..<10)
        #expect(rename("\(scene.path)/events", "\(scene.path)/elsewhere") == 0)
        await scene.occur()
        await scene.deliver(5..<20)
        #expect(try scene.ids("events") == Array(11...20))
        #expect(try scene.ids("elsewhere") == Array(1...10))
        await scene.sink.close()
    }
}
