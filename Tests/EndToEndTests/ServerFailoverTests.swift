import Glibc
import RelayTestKit
import Testing

/// The server moves to another host under its relays, whose conninfo names both.
@Suite(.heavy) struct ServerFailoverTests {
    /// The old primary, its standby, and two relays of which the first leads.
    private struct Scene {
        let primary: PrivateCluster
        let replica: PrivateCluster
        let before: TestDatabase
        let after: TestDatabase
        let leader: RelayProcess
        let standby: RelayProcess

        init(_ mode: Mode) async throws {
            primary = try await PrivateCluster.start()
            before = try await primary.database()
            replica = try await primary.standby()
            after = TestDatabase(cluster: replica, name: before.name)
            let conninfo =
                "host=127.0.0.1,127.0.0.1 port=\(primary.port),\(replica.port) user=postgres dbname=\(before.name)"
            let arguments = ["run", "--database", conninfo, "--mode", mode.rawValue]
            leader = try RelayProcess.start(arguments)
            try await leader.waitForLog("leading")
            if mode == .wal { try await leader.waitForLog("streaming") }
            standby = try RelayProcess.start(arguments)
            try await standby.waitForLog("standby")
        }

        func failOver() async throws {
            try await primary.stop(mode: .immediate)
            try await replica.promote()
        }
    }

    @Test(arguments: Mode.allCases) func toOneThatHasEverything(_ mode: Mode) async throws {
        let scene = try await Scene(mode)
        try await scene.leader.waitForEvent(id: try await scene.before.insert(200))
        try await scene.before.becomesSettled()
        // What is unpublished at that moment is delivered over there.
        let last = try await scene.before.insert(200)
        try await scene.primary.isReplayed(by: scene.replica)
        try await scene.failOver()
        let more = try await scene.after.insert(100)
        try await eventually("both halves came: \(scene.leader.log.text)", within: .seconds(60)) {
            let ids = Set((scene.leader.output.ids + scene.standby.output.ids))
            return ids.contains(last) && ids.contains(more)
        }
        try await scene.after.becomesSettled()
        for relay in [scene.leader, scene.standby] {
            #expect(relay.log.entries(of: "went_back").isEmpty, "\(relay.log.text)")
            #expect(try await relay.stop() == .exited(0))
        }
        try await expectComplete(scene.after, [scene.leader, scene.standby], duplicates: 1000)
    }

    /// A promoted server may lack the record of a leader whose process lives on: that one is given the time to judge.
    @Test func aFirstLeaderBehindAPromotedServerWaits() async throws {
        let primary = try await PrivateCluster.start()
        let database = try await primary.database()
        let first = try await RelayProcess.leading(database, .poll)
        #expect(first.log.entries(of: "waiting").isEmpty, "\(first.log.text)")
        try await first.stop()
        let next = try await primary.database()
        let replica = try await primary.standby()
        try await primary.stop(mode: .immediate)
        try await replica.promote()
        let relay = try RelayProcess.run(TestDatabase(cluster: replica, name: next.name))
        try await relay.waitForLog("waiting") {
            $0.fields["message"]?.contains("the server was restarted or promoted") == true
        }
        try await relay.waitForLog("leading")
        try await relay.stop()
    }

    /// The living relay remembers what left, and stops the others too, which knew nothing of it.
    @Test(arguments: Mode.allCases) func toOneThatLacksWhatHadLeft(_ mode: Mode) async throws {
        let scene = try await Scene(mode)
        try await scene.leader.waitForEvent(id: try await scene.before.insert(100))
        try await scene.before.becomesSettled()
        try await scene.primary.isReplayed(by: scene.replica)
        try await scene.replica.stopReplicating()
        // A sequence is written ahead by 32.
        let left = try await scene.before.insert(100)
        try await scene.leader.waitForEvent(id: left)
        try await scene.failOver()
        for relay in [scene.leader, scene.standby] {
            #expect(try await relay.exitStatus(within: .seconds(60)) == .exited(78), "\(relay.log.text)")
            #expect(!relay.log.entries(of: "went_back").isEmpty, "\(relay.log.text)")
        }
        // Nor does one that comes later.
        let later = try RelayProcess.run(scene.after, ["--mode", mode.rawValue])
        #expect(try await later.exitStatus() == .exited(78), "\(later.log.text)")
        let delivered = Audit([scene.leader.output, scene.standby.output, later.output])
        #expect(delivered.firsts == Array(1...left))
        #expect(delivered.duplicates.isEmpty)
    }
}
