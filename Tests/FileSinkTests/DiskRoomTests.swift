import FileSink
import Foundation
import Testing

/// How much room counts as how little.
@Suite struct DiskRoomTests {
    private static let gib: UInt64 = 1 << 30

    @Test(arguments: [
        (9, 1000, DiskRoom.Shortage.nearlyFull), (10, 1000, nil), (9, 100, .little), (10, 100, nil), (1, 2, nil),
        (0, 1, .nearlyFull), (0, 0, nil), (9, 900, .little),
    ])
    func bytes(_ free: UInt64, _ size: UInt64, _ shortage: DiskRoom.Shortage?) {
        #expect(DiskRoom(free: free * Self.gib, size: size * Self.gib).shortage == shortage)
    }

    @Test(arguments: [(9, 1000, DiskRoom.Shortage.nearlyFull), (99, 1000, .little), (100, 1000, nil), (0, 0, nil)])
    func files(_ free: UInt64, _ files: UInt64, _ shortage: DiskRoom.Shortage?) {
        let room = DiskRoom(free: 50 * Self.gib, size: 100 * Self.gib, freeFiles: free, files: files)
        #expect(room.shortage == shortage)
    }

    @Test func aFolder() async throws {
        let room = try #require(await DiskRoom.of(FileManager.default.temporaryDirectory.path))
        #expect(room.free <= room.size && room.size > 0)
        #expect(await DiskRoom.of("/nowhere/at/all") == nil)
    }
}
