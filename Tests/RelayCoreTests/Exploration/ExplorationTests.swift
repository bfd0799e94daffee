import Foundation
import RelayCore
import RelayExploration
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
        Scenario("stream, one producer") {
            $0.policy.usesStream = true
            $0.producers = [[.drawsTwice]]
            $0.ids = 2
        },
    ]

    @Test(arguments: worlds) func everyPromiseHolds(_ world: Scenario) async {
        let report = await explore(world)
        #expect(report.finding == nil, "\(report.schedule)")
        #expect(report.isComplete)
        #expect(report.distinct > 500)
    }

    @Test(arguments: [
        "floor from this scan", "holders listed before", "a cursor over what is not visible", "a locked row moves",
    ]) func aMutantIsFound(_ name: String) async throws {
        let mutant = try #require(Scenario.mutants.first { $0.name.contains(name) })
        #expect(await explore(mutant).finding != nil)
    }

    /// On a thread of its own: an exploration takes seconds, and the other tests need the cooperative pool.
    private func explore(_ scenario: Scenario) async -> Explorer.Report {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Explorer.run(scenario)) }
        }
    }
}
