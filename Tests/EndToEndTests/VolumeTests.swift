import RelayTestKit
import Testing

/// However much there is, the resident set keeps to the contract's bound.
@Suite(.heavy) struct VolumeTests {
    private static let mebibyte = 1 << 20
    /// `--memory`, and what is promised beside it.
    private static let bound = 64 * mebibyte + RelayProcess.memoryBeside
    private static let rows = isLongSoak ? 1_000_000 : 100_000

    @Test(arguments: Mode.allCases) func oneTransactionOfManyRows(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode, output: .ids)
        try await database.insert(Self.rows, bytes: 200)
        try await relay.waitForEvents(Self.rows, within: .seconds(180))
        try await database.becomesSettled(within: .seconds(60))
        let peak = try #require(relay.peakMemory)
        #expect(peak < Self.bound, "\(peak / Self.mebibyte) MiB")
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    @Test(arguments: Mode.allCases) func aBacklogOfManyRows(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(Self.rows, bytes: 200)
        let relay = try RelayProcess.run(database, ["--mode", mode.rawValue], output: .ids)
        try await relay.waitForEvents(Self.rows, within: .seconds(180))
        try await database.becomesSettled(within: .seconds(60))
        let peak = try #require(relay.peakMemory)
        #expect(peak < Self.bound, "\(peak / Self.mebibyte) MiB")
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    @Test(arguments: Mode.allCases) func aHugePayload(_ mode: Mode) async throws {
        let size = 100_000_000
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await database.insert(3)
        try await database.insert(1, bytes: size)
        try await database.insert(3)
        try await relay.waitForEvents(7, within: .seconds(120))
        try await database.becomesSettled(within: .seconds(60))
        let peak = try #require(relay.peakMemory)
        // The stream's copies, which no client can avoid, beside the one that is delivered.
        #expect(peak < Self.bound + 3 * size, "\(peak / Self.mebibyte) MiB")
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
        let length = try await database.number("SELECT octet_length(payload::text) FROM outbox WHERE id = 4")
        let huge = try #require(relay.output.deliveries.first { $0.id == 4 })
        #expect(EventLine.data(of: huge.line)?.count == Int(length))
    }

    /// Large rows by the hundred: what is fetched at once is bounded by bytes, not by rows.
    @Test(arguments: Mode.allCases) func manyLargePayloads(_ mode: Mode) async throws {
        let size = 1_000_000
        let database = try await PrivateCluster.shared().database()
        try await database.insert(200, bytes: size)
        let relay = try RelayProcess.run(database, ["--mode", mode.rawValue], output: .ids)
        try await relay.waitForEvents(200, within: .seconds(120))
        try await relay.waitForEvent(id: try await database.insert(100, bytes: size), within: .seconds(120))
        try await database.becomesSettled(within: .seconds(60))
        let peak = try #require(relay.peakMemory)
        #expect(peak < Self.bound + 4 * size, "\(peak / Self.mebibyte) MiB")
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }
}
