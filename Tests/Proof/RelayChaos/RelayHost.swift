import Foundation
import Glibc
import RelayTestKit
import Synchronization

/// One process of a relay, from its start to its end.
final class RelayRun: Sendable {
    /// Counted over all hosts, from 1; every request of it carries this.
    let number: Int
    let host: Int
    let process: RelayProcess
    private let state = Mutex(State())

    private struct State {
        var isAwaited = false
        var isKilled = false
        var freezes = 0
        var disturbances = 0
    }

    init(number: Int, host: Int, process: RelayProcess) {
        (self.number, self.host, self.process) = (number, host, process)
    }

    var name: String { "relay \(host), process \(number)" }

    /// Whether it leads, as far as it knows.
    var leads: Bool { process.isRunning && turn == "leading" }

    /// Whether it stands by, as far as it knows.
    var standsBy: Bool { process.isRunning && turn == "standby" }

    private var turn: String? {
        process.log.entries.last { Self.turns.contains($0.event ?? "") }?.event
    }

    private static let turns: Set<String> = ["leading", "standby", "deposed"]

    /// What it may have repeated.
    var history: RunHistory {
        let state = state.withLock { $0 }
        let epochs = process.log.entries(of: "leading").compactMap { $0.fields["epoch"].flatMap { Int($0) } }
        return RunHistory(
            tenures: epochs.count, successions: zip(epochs, epochs.dropFirst()).count { $1 != $0 + 1 },
            interruptions: state.freezes + process.log.entries(of: "deposed").count,
            disturbances: state.disturbances)
    }

    /// Whether its end was brought about.
    var isAwaited: Bool { state.withLock { $0.isAwaited } }

    /// Whether it was killed.
    var isKilled: Bool { state.withLock { $0.isKilled } }

    func awaitEnd(killed: Bool) {
        state.withLock { state in
            state.isAwaited = true
            state.isKilled = state.isKilled || killed
        }
    }
    func countFreeze() { state.withLock { $0.freezes += 1 } }
    func countDisturbances(_ count: Int) { state.withLock { $0.disturbances += count } }
}

/// One relay of several: its processes one after the other, its own way to the database and to the webhooks.
actor RelayHost {
    /// From 1.
    nonisolated let number: Int
    nonisolated let database: NetworkProxy
    nonisolated let webhooks: NetworkProxy
    nonisolated let clock: HostClock
    private let setting: RelaySetting
    private let journal: Journal
    private(set) var runs: [RelayRun] = []
    private var current: RelayRun?
    /// The last disturbance of the way to the webhooks: a process that starts before its end has it as well.
    private var disturbance: (count: Int, end: ContinuousClock.Instant)?
    /// Ends of processes that nobody brought about, and those in good order that did not end well.
    private(set) var complaints: [String] = []

    init(number: Int, setting: RelaySetting, journal: Journal) throws {
        (self.number, self.setting, self.journal) = (number, setting, journal)
        database = try NetworkProxy(to: setting.databasePort)
        webhooks = try NetworkProxy(to: setting.hookPort)
        clock = try HostClock(path: setting.clockFile(of: number))
    }

    /// The process that runs, if one does.
    var running: RelayRun? {
        noteEnd()
        return current
    }

    /// Starts a process unless one runs.
    func start() throws {
        noteEnd()
        guard current == nil else { return }
        let run = setting.nextRun()
        let arguments = try setting.arguments(
            host: number, run: run, databasePort: database.port, hookPort: webhooks.port)
        let process = try RelayProcess.start(arguments, environment: clock.environment, output: .ids)
        let started = RelayRun(number: run, host: number, process: process)
        journal.note("\(started.name) started, pid \(process.pid)")
        if let disturbance, .now < disturbance.end { started.countDisturbances(disturbance.count) }
        runs.append(started)
        current = started
    }

    /// The way to the webhooks is disturbed for so many milliseconds: each attempt that times out meanwhile may still
    /// arrive later.
    func countDisturbance(of milliseconds: Int) {
        let count = 3 + milliseconds / 1000
        disturbance = (count, .now + .milliseconds(milliseconds + RelaySetting.timeout))
        running?.countDisturbances(count)
    }

    /// SIGKILL; gives the process, and whether it led; nil where there was none.
    func kill() async throws -> (run: RelayRun, led: Bool)? {
        noteEnd()
        guard let run = current else { return nil }
        run.awaitEnd(killed: true)
        current = nil
        let led = run.leads
        try await run.process.kill()
        return (run, led)
    }

    /// SIGTERM; waits for its end, which must be in good order.
    func stop() async throws -> Bool {
        noteEnd()
        // A second signal would end it at once.
        guard let run = current, !run.isAwaited else { return false }
        run.awaitEnd(killed: false)
        let status = try await run.process.stop(within: .seconds(120))
        if current === run { current = nil }
        // A process that has not yet come to its first line dies of the signal, and nothing was begun.
        let wasTooEarly = status == .signalled(SIGTERM) && run.process.log.entries.isEmpty
        if status != .exited(0), !run.isKilled, !wasTooEarly {
            complaints.append("\(run.name) ended with \(status) after SIGTERM")
        }
        return true
    }

    /// SIGSTOP; gives whom to wake.
    func freeze() -> RelayRun? {
        noteEnd()
        guard let run = current else { return nil }
        run.countFreeze()
        run.process.signal(SIGSTOP)
        return run
    }

    private func noteEnd() {
        guard let run = current, !run.process.isRunning else { return }
        current = nil
        guard !run.isAwaited else { return }
        complaints.append("\(run.name) ended by itself")
        journal.note("\(run.name) ended by itself:\n\(run.process.log.text.suffix(4000))")
    }
}

/// How the relays of a run are set up.
final class RelaySetting: Sendable {
    static let batch = 20
    static let concurrency = 8
    /// The webhooks' time limit, in milliseconds.
    static let timeout = 3000
    /// The sinks that every run has: one file for all relays, a file for each relay, two webhooks.
    static let (shared, own, ordered, keyed) = ("shared", "own", "ordered", "keyed")

    let databasePort: Int
    let hookPort: Int
    private let databaseName: String
    private let mode: String
    private let window: Int
    private let folder: String
    private let disk: String
    private let lastRun = Mutex(0)

    init(
        database: TestDatabase, hookPort: Int, mode: String, window: Int, folder: String, disk: String
    ) {
        (databasePort, databaseName, self.hookPort) = (database.cluster.port, database.name, hookPort)
        (self.mode, self.window, self.folder, self.disk) = (mode, window, folder, disk)
    }

    /// The number of the next process.
    func nextRun() -> Int {
        lastRun.withLock { last in
            last += 1
            return last
        }
    }

    /// The file that all relays write to in turn.
    var sharedFile: String { "\(disk)/events.jsonl" }

    /// The file of one relay.
    func ownFile(of host: Int) -> String { "\(folder)/relay-\(host).jsonl" }

    /// What moves the clocks of one relay.
    func clockFile(of host: Int) -> String { "\(folder)/relay-\(host).clock" }

    /// Writes a process's configuration and gives its command line.
    func arguments(host: Int, run: Int, databasePort: Int, hookPort: Int) throws -> [String] {
        let hook = "http://127.0.0.1:\(hookPort)/"
        let retry = "retry: {base: 20ms, max: 1s}"
        let common = "timeout: \(Self.timeout)ms, connect_timeout: 2s, headers: {x-run: \"\(run)\"}, \(retry)"
        let (shared, own) = (sharedFile, ownFile(of: host))
        let yaml = """
            mode: \(mode)
            window: \(window)
            memory: 16MiB
            sinks:
              - {name: \(Self.shared), to: "file:\(shared)", rotate: {size: 2MiB}, \(retry)}
              - {name: \(Self.own), to: "file:\(own)", \(retry)}
              - {name: \(Self.ordered), to: "\(hook)\(Self.ordered)", batch: \(Self.batch), \(common)}
              - {name: \(Self.keyed), to: "\(hook)\(Self.keyed)", order: key, concurrency: \(Self.concurrency), \(common)}

            """
        let file = "\(folder)/relay-\(host).yaml"
        try Data(yaml.utf8).write(to: URL(fileURLWithPath: file))
        let conninfo = "host=127.0.0.1 port=\(databasePort) user=postgres dbname=\(databaseName)"
        return ["run", "--database", conninfo, "--config", file]
    }
}
