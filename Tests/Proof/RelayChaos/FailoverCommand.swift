import ArgumentParser
import Foundation
import Glibc
import RelayTestKit

/// How a leader goes.
enum LeaderEnd: String, CaseIterable, ExpressibleByArgument, Sendable {
    case kill, freeze
}

/// `relay-chaos failover`
struct FailoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover", abstract: "The time without deliveries when the leader is killed or frozen.",
        discussion: "From the last request of the old leader to the first one of the new one, as the receiver saw them."
    )

    @Option(help: "How many times the leader fails.")
    var times = 20
    @Option(help: "poll or wal; all that are named, one after the other. (default: both)")
    var mode: [ChaosMode] = []
    @Option(help: "kill or freeze; all that are named, one after the other. (default: both)")
    var manner: [LeaderEnd] = []
    @Option(help: "How many relays there are, 2 to 5.")
    var relays = 2
    @Option(help: "Transfers a second.")
    var rate = 200
    @Option(help: "Repeats the moments at which it fails.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...1000).contains(times), (2...5).contains(relays), (1...10_000).contains(rate) else {
            throw ValidationError("--times is 1 to 1000, --relays 2 to 5, --rate 1 to 10000.")
        }
    }

    func run() async throws {
        for mode in mode.isEmpty ? ChaosMode.allCases : mode {
            for manner in manner.isEmpty ? LeaderEnd.allCases : manner {
                let gaps = try await gaps(mode, manner).sorted()
                let median = (gaps[(gaps.count - 1) / 2] + gaps[gaps.count / 2]) / 2
                say(
                    "failover: mode=\(mode.rawValue) manner=\(manner.rawValue) times=\(gaps.count) "
                        + "median_ms=\(Int(median)) max_ms=\(Int(gaps[gaps.count - 1]))")
            }
        }
    }

    /// The time without deliveries of each failover, in milliseconds.
    private func gaps(_ mode: ChaosMode, _ manner: LeaderEnd) async throws -> [Double] {
        let folder = "\(FileManager.default.temporaryDirectory.path)/relay-failover-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let options = ChaosOptions(
            mode: mode, seed: seed, relays: relays, window: 1000, rate: rate, producers: 0, course: .endless([]),
            seconds: 0, longest: 300, pauses: 0...0)
        let world = try await ChaosWorld(options, folder: folder)
        do {
            let gaps = try await gaps(on: world, manner)
            await world.end()
            return gaps
        } catch {
            await world.end()
            throw error
        }
    }

    private func gaps(on world: ChaosWorld, _ manner: LeaderEnd) async throws -> [Double] {
        // A transaction that stays open holds the order back, with or without a failover.
        let load = try await ChaosLoad(world.database, rate: rate, late: 0, producers: 0, seed: seed)
        var random = SeededRandom(seed: seed)
        var gone: [(at: ContinuousClock.Instant, run: Int)] = []
        for _ in 0..<times {
            for host in world.hosts { try await host.start() }
            let leader = try await settledLeader(of: world)
            try await Task.sleep(for: .milliseconds(Int.random(in: 1000...2000, using: &random)))
            let now = ContinuousClock.now
            if manner == .kill { _ = try await leader.host.kill() } else { _ = await leader.host.freeze() }
            gone.append((now, leader.run.number))
            try await eventually("another relay delivers", within: .seconds(120)) {
                world.hook.lastRun(of: RelaySetting.ordered) != leader.run.number
            }
            leader.run.process.signal(SIGCONT)
        }
        _ = try await load.end()
        let deliveries = world.hook.deliveries(to: RelaySetting.ordered)
        return gone.compactMap { at, run in
            guard let next = deliveries.first(where: { $0.arrived > at && $0.run != run }),
                let last = deliveries.last(where: { $0.arrived < next.arrived && $0.run == run })
            else { return nil }
            return (next.arrived - last.arrived) / .milliseconds(1)
        }
    }

    /// Waits until one relay leads and delivers, and the others stand by.
    private func settledLeader(of world: ChaosWorld) async throws -> (host: RelayHost, run: RelayRun) {
        var found: (host: RelayHost, run: RelayRun)?
        try await eventually("a relay leads and the others stand by", within: .seconds(120)) {
            found = await world.leader()
            guard let run = found?.run, world.hook.lastRun(of: RelaySetting.ordered) == run.number else { return false }
            for host in world.hosts {
                guard let other = await host.running, other === run || other.standsBy else { return false }
            }
            return true
        }
        return try found ?? { throw KitFailure("nobody leads") }()
    }
}
