import Foundation
import Glibc
import RelayTestKit
import Synchronization

/// Everything of a run: server, load, relays, their ways, the receiver, the disk.
final class ChaosWorld: Sendable {
    let options: ChaosOptions
    let folder: String
    let journal: Journal
    let cluster: PrivateCluster
    let database: TestDatabase
    let disk: SmallDisk
    let hook: Hook
    let setting: RelaySetting
    let hosts: [RelayHost]
    let tally = KillTally()

    init(_ options: ChaosOptions, folder: String) async throws {
        (self.options, self.folder) = (options, folder)
        journal = try Journal(path: "\(folder)/journal.log")
        cluster = try await PrivateCluster.start(settings: ["log_min_messages": "warning"])
        database = try await cluster.database()
        disk = try await SmallDisk(in: folder)
        hook = try await Hook(
            sinks: [RelaySetting.ordered, RelaySetting.keyed], folder: folder, timeout: RelaySetting.timeout)
        setting = RelaySetting(
            database: database, hookPort: hook.port, mode: options.mode.rawValue, window: options.window,
            folder: folder, disk: disk.path)
        var hosts: [RelayHost] = []
        for number in 1...options.relays {
            hosts.append(try RelayHost(number: number, setting: setting, journal: journal))
        }
        self.hosts = hosts
        let disk = disk.kind ?? "cannot be filled here"
        journal.note("seed \(options.seed), mode \(options.mode.rawValue), disk \(disk)")
    }

    /// The relay that leads, as far as it knows; where several think so, the one that began last.
    func leader() async -> (host: RelayHost, run: RelayRun)? {
        var found: (host: RelayHost, run: RelayRun)?
        for host in hosts {
            guard let run = await host.running, run.leads else { continue }
            if found.map({ Self.epoch(of: $0.run) < Self.epoch(of: run) }) ?? true { found = (host, run) }
        }
        return found
    }

    /// Every process that there was.
    func runs() async -> [RelayRun] {
        var runs: [RelayRun] = []
        for host in hosts { runs += await host.runs }
        return runs.sorted { $0.number < $1.number }
    }

    /// Lifts every fault: every way is open, the receiver answers, there is room, nobody is frozen and everybody runs.
    func heal() async throws {
        hook.set(nil)
        disk.makeRoom()
        for host in hosts {
            host.database.heal()
            host.webhooks.heal()
            await host.running?.process.signal(SIGCONT)
            try await host.start()
        }
    }

    /// Writes what each process and the server logged beside the journal.
    func keepLogs() async {
        for run in await runs() {
            let path = "\(folder)/relay-\(run.host)-process-\(run.number).log"
            try? Data("\(run.process.log.text)\n".utf8).write(to: URL(fileURLWithPath: path))
        }
        try? Data(cluster.log.utf8).write(to: URL(fileURLWithPath: "\(folder)/server.log"))
    }

    /// Ends everything; the folder stays.
    func end() async {
        for host in hosts {
            _ = try? await host.kill()
            host.database.stop()
            host.webhooks.stop()
        }
        await hook.stop()
        try? await cluster.stop(mode: .immediate)
        disk.remove()
    }

    private static func epoch(of run: RelayRun) -> Int {
        run.process.log.entries(of: "leading").last.flatMap { $0.fields["epoch"] }.flatMap { Int($0) } ?? 0
    }
}

/// What was killed so far.
final class KillTally: Sendable {
    struct Counts: Hashable, Sendable {
        var relays = 0
        /// Those of them that led.
        var leaders = 0
        var servers = 0
    }

    private let state = Mutex(Counts())

    var counts: Counts { state.withLock { $0 } }

    func count(killOf leader: Bool) {
        state.withLock { counts in
            counts.relays += 1
            counts.leaders += leader ? 1 : 0
        }
    }

    func countServerKill() { state.withLock { $0.servers += 1 } }
}
