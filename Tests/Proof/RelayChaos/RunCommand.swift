import ArgumentParser
import Foundation

/// `relay-chaos run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Load under random faults, then rest, then an audit of ledger, outbox and sinks.",
        discussion: """
            The same seed and the same options make the same plan of faults; when each takes effect depends on the \
            machine. Exits 1 where a promise was broken, and then keeps journal, logs and files.
            """)

    @Option(help: "How long faults come, in seconds.")
    var seconds = 120
    @Option(help: "poll or wal; all that are named, one after the other. (default: both)")
    var mode: [ChaosMode] = []
    @Option(help: "Repeats a plan of faults.")
    var seed: UInt64?
    @Option(help: "How many relays there are, 1 to 5.")
    var relays = 3
    @Option(help: "Events handed to a sink and not settled, of every relay.")
    var window = 200
    @Option(help: "Transfers a second.")
    var rate = 150
    @Option(help: "Producers beside the ledger, with late commits, savepoints and prepared transactions.")
    var producers = 2
    @Option(help: "The longest duration of a fault, in milliseconds.")
    var longest = 6000
    @Option(help: "The longest pause between two faults, in milliseconds.")
    var pause = 1500
    @Option(parsing: .upToNextOption, help: "The kinds of faults. (default: all)")
    var faults: [FaultKind] = []
    @Option(help: "Instead: so many kills of relays, and of the server as --server-kills says, and no other fault.")
    var relayKills = 0
    @Option(help: "See --relay-kills.")
    var serverKills = 0

    @Flag(help: "Keep journal, logs and files of a good run as well.")
    var keep = false

    func validate() throws {
        guard (1...5).contains(relays), (1...100_000).contains(window), (1...10_000).contains(rate),
            (0...50).contains(producers), (300...60_000).contains(longest), (50...60_000).contains(pause),
            (1...86_400).contains(seconds), relayKills >= 0, serverKills >= 0
        else { throw ValidationError("A number is out of its range; see --help.") }
    }

    func run() async throws {
        let seed = seed ?? UInt64.random(in: 0...UInt64.max)
        var isGood = true
        for mode in mode.isEmpty ? ChaosMode.allCases : mode { isGood = try await run(mode, seed) && isGood }
        if !isGood { throw ExitCode(1) }
    }

    private func run(_ mode: ChaosMode, _ seed: UInt64) async throws -> Bool {
        let temporary = FileManager.default.temporaryDirectory.path
        let folder = "\(temporary)/relay-chaos-\(mode.rawValue)-\(seed)-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let course: FaultPlan.Course =
            relayKills + serverKills > 0
            ? .kills(relay: relayKills, server: serverKills) : .endless(faults.isEmpty ? FaultKind.allCases : faults)
        let options = ChaosOptions(
            mode: mode, seed: seed, relays: relays, window: window, rate: rate, producers: producers, course: course,
            seconds: seconds, longest: longest, pauses: 50...pause)
        say("chaos: mode=\(mode.rawValue) seed=\(seed) begins; its journal is \(folder)/journal.log")
        do {
            let report = try await ChaosRun(options: options, keepsLogs: keep).run(in: folder)
            say(report.text)
            guard !report.complaints.isEmpty else {
                if !keep { try? FileManager.default.removeItem(atPath: folder) }
                return true
            }
            show(report.complaints, options, folder)
        } catch {
            show(["the run could not go on: \(error)"], options, folder)
        }
        return false
    }

    /// What the auditor found, what was done and when, and where the rest is.
    private func show(_ complaints: [String], _ options: ChaosOptions, _ folder: String) {
        let journal = (try? String(contentsOfFile: "\(folder)/journal.log", encoding: .utf8)) ?? ""
        say("what was done, in seconds from the beginning:\n\(journal)")
        for complaint in complaints { say("chaos: \(complaint)") }
        say("chaos: journal, logs and files are in \(folder); the same plan of faults comes by")
        say("chaos: relay-chaos run \(arguments(options))")
    }

    /// What makes the same plan.
    private func arguments(_ options: ChaosOptions) -> String {
        let numbers = [
            ("seconds", seconds), ("relays", relays), ("window", window), ("rate", rate), ("producers", producers),
            ("longest", longest), ("pause", pause), ("relay-kills", relayKills), ("server-kills", serverKills),
        ]
        let kinds = faults.isEmpty ? [] : ["--faults"] + faults.map(\.rawValue)
        let words = ["--mode", options.mode.rawValue, "--seed", "\(options.seed)"]
        return (words + numbers.flatMap { ["--\($0)", "\($1)"] } + kinds).joined(separator: " ")
    }
}
