import Foundation
import RelayTestKit

/// One run: load and faults, then rest, then the audit.
struct ChaosRun {
    let options: ChaosOptions
    /// Whether logs are written where nothing is wrong, too.
    var keepsLogs = false

    /// - Returns: what is to be said of it; `complaints` is empty where the relays kept their promises.
    func run(in folder: String) async throws -> ChaosReport {
        let world = try await ChaosWorld(options, folder: folder)
        do {
            let report = try await report(on: world)
            if keepsLogs || !report.complaints.isEmpty { await world.keepLogs() }
            await world.end()
            return report
        } catch {
            world.journal.note("given up: \(error)")
            await world.keepLogs()
            await world.end()
            throw error
        }
    }

    private func report(on world: ChaosWorld) async throws -> ChaosReport {
        let load = try await ChaosLoad(
            world.database, rate: options.rate, producers: options.producers, seed: options.seed)
        for host in world.hosts { try await host.start() }
        try await eventually("a relay leads", within: .seconds(120)) { await world.leader() != nil }
        try await disturb(world)
        world.journal.note("no more faults; the load ends")
        let posted = try await load.end()
        world.journal.note("load: \(posted)")
        let complaints = try await rest(world)
        return try await ChaosAudit(world: world).report(complaints, seconds: Int(world.journal.elapsed))
    }

    /// The plan, step by step, until its time is over or it ends.
    private func disturb(_ world: ChaosWorld) async throws {
        var plan = options.plan
        var standing: [Task<Void, any Error>] = []
        let end = ContinuousClock.now + .seconds(options.seconds)
        while let step = plan.next(), options.isCounted || ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(step.pause))
            let before = world.tally.counts
            repeat {
                if let task = try await world.apply(step.fault) { standing.append(task) }
                // A kill that is counted waits for somebody to kill.
                if options.isCounted { try await Task.sleep(for: .milliseconds(20)) }
            } while options.isCounted && world.tally.counts == before
            for host in world.hosts where await !host.complaints.isEmpty { return }
        }
        try await world.heal()
        for task in standing { try await task.value }
        try await world.heal()
    }

    /// What is left is delivered by the relays as they are; then they stop in good order, and one more finds nothing.
    private func rest(_ world: ChaosWorld) async throws -> [String] {
        var complaints: [String] = []
        let isSettled = try await holds(within: options.patience) {
            try await Task.sleep(for: .milliseconds(200))
            if await !self.complaints(of: world).isEmpty { return true }
            return try await world.database.number("SELECT count(*) FROM outbox_unpublished") == 0
        }
        if !isSettled {
            let left = try await world.database.query(
                "SELECT count(*), min(id), max(id) FROM outbox_unpublished")
            complaints.append("after \(options.patience) without faults these are left unpublished: \(left)")
            complaints.append("status: \(try await status(world))")
        }
        for host in world.hosts { _ = try await host.stop() }
        world.journal.note("the relays have stopped")
        guard isSettled else { return await complaints + self.complaints(of: world) }
        let arguments = try world.setting.arguments(
            host: 1, run: world.setting.nextRun(), databasePort: world.setting.databasePort,
            hookPort: world.setting.hookPort)
        let last = try RelayProcess.start(arguments + ["--until-drained"], output: .ids)
        let status = try await last.exitStatus(within: options.patience)
        if status != .exited(0) { complaints.append("--until-drained ended with \(status): \(last.log.text)") }
        return await complaints + self.complaints(of: world)
    }

    private func complaints(of world: ChaosWorld) async -> [String] {
        var found: [String] = []
        for host in world.hosts { found += await host.complaints }
        return found
    }

    private func status(_ world: ChaosWorld) async throws -> String {
        try await RelayTestKit.run(["outbox-relay", "status", "--json", "--database", world.database.conninfo]).output
    }
}

extension ChaosOptions {
    /// Whether the course ends by itself.
    var isCounted: Bool { if case .kills = course { true } else { false } }
}
