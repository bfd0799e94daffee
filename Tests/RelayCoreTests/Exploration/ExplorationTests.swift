import Foundation
import Glibc
import RelayCore
import RelayExploration
import RelayTestKit
import Testing

/// The short form of `make model`: small worlds, each explored to its end.
@Suite struct ExplorationTests {
    static let worlds: [Scenario] = [
        Scenario("poll, two producers") { $0.ids = 2 },
        Scenario("poll, the relay crashes") {
            $0.ids = 2
            $0.relayCrashes = 1
        },
        Scenario("poll, an outage") {
            $0.ids = 2
            $0.outages = 1
        },
        Scenario("poll, a late row") {
            $0.ids = 2
            $0.producers = [[.keepsID], []]
        },
        Scenario("poll, a locked row") {
            $0.ids = 2
            $0.operatorLocks = 1
        },
        Scenario("two relays, the leader is frozen") {
            $0.hasStandby = true
            $0.freezes = 1
            $0.ids = 1
            $0.producers = [[]]
        },
        Scenario("a sink is moved") {
            $0.requests = [.move(name: "a", to: .beginning)]
            $0.ids = 1
            $0.producers = [[]]
        },
        Scenario("a relay that streamed polls when it comes again") {
            $0.switchesMode = true
            $0.policy.usesStream = true
            $0.policy.netInterval = 1 << 40
            $0.policy.sweepInterval = 1 << 40
            $0.relayCrashes = 1
            $0.producers = [[]]
            $0.ids = 1
        },
        Scenario("stream, one producer") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = 1 << 40
            $0.policy.sweepInterval = 1 << 40
            $0.producers = [[.drawsTwice, .withdraws]]
            $0.ids = 2
        },
    ]

    @Test(arguments: worlds) func everyPromiseHolds(_ world: Scenario) async throws {
        let report = try await explore(world)
        #expect(report.finding == nil, "\(report.schedule)")
        #expect(report.isComplete)
        #expect(report.distinct > 500)
    }

    @Test(arguments: [
        "floor from this scan", "holders listed before", "a settlement waits for a row that is gone",
        "a locked row moves",
    ]) func aMutantIsFound(_ name: String) async throws {
        let mutant = try #require(Scenario.mutants.first { $0.name.contains(name) })
        #expect(try await explore(mutant).finding != nil)
    }

    private static let turn = Turn(places: 1)

    /// On a thread of its own that takes what others leave: an exploration takes seconds, and the other tests need the
    /// cooperative pool and have clocks.
    private func explore(_ scenario: Scenario) async throws -> Explorer.Report {
        try await Self.turn.take {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    // Of this thread alone (setpriority(2), "C library/kernel differences").
                    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
                    continuation.resume(returning: Explorer.run(scenario))
                }
            }
        }
    }
}
