import ArgumentParser
import Glibc
import RelaySimulation

/// Runs seeds; a failing one is told with the command that repeats it.
@main
struct RelaySimulationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-simulation",
        abstract: "Runs the whole relay in simulated worlds, one a seed; exit 1 where a promise is broken.")

    @Option(help: "How many seeds to run.")
    var seeds: UInt64 = 1000
    @Option(help: "The first seed.")
    var first: UInt64 = 1
    @Option(help: "Parallel processes, each with a part of the seeds.")
    var jobs: Int = 1
    @Option(help: "Run only this seed, and print everything that happens.")
    var seed: UInt64?
    @Option(help: ArgumentHelp("Break the relay on purpose, to see that it is found.", valueName: Self.mutants))
    var mutant: Mutant?
    @Option(help: ArgumentHelp("Run one scene with every seed.", valueName: Self.scenes))
    var scene: Scene?
    @Flag(help: "End with the first seed that fails.")
    var untilFinding = false
    /// A descriptor onto which a part of the seeds writes its digest, instead of saying it.
    @Option(help: .hidden)
    var tellsDigestTo: Int32?

    private static let scenes = Scene.allCases.map(\.rawValue).joined(separator: "|")
    private static let mutants = Mutant.allCases.map(\.rawValue).joined(separator: "|")

    static func main() {
        repeatHashes()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            exit(withError: error)
        }
    }

    /// Sets are walked in the same order in every run only where their hashes are the same.
    private static func repeatHashes() {
        guard getenv("SWIFT_DETERMINISTIC_HASHING") == nil else { return }
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &arguments)
    }

    func validate() throws {
        guard seeds >= 1, first <= .max - seeds else { throw ValidationError("--seeds must be at least 1") }
        guard jobs == 1 || !untilFinding else { throw ValidationError("--until-finding needs --jobs 1") }
        guard (1...1024).contains(jobs) else { throw ValidationError("--jobs must be from 1 to 1024") }
    }

    func run() throws {
        if let seed { return try replay(seed) }
        if jobs > 1 { return try runSideBySide() }
        Simulation.prepare()
        var tally = Tally()
        for seed in first..<first + seeds {
            let outcome = Simulation.run(seed: seed, mutant: mutant, scene: scene)
            tally.add(outcome)
            guard let finding = outcome.finding else { continue }
            print("seed \(seed): \(finding)\n  replay: \(replayCommand(seed))")
            fflush(nil)
            if untilFinding { break }
        }
        if let tellsDigestTo { tally.digest.write(to: tellsDigestTo) } else { print("simulation: \(tally)") }
        guard tally.findings == 0 else { throw ExitCode(1) }
    }

    private func replay(_ seed: UInt64) throws {
        Simulation.prepare()
        let outcome = Simulation.run(seed: seed, mutant: mutant, scene: scene, keepsTrace: true)
        for line in outcome.lines { print(line) }
        print(
            "seed \(seed): \(outcome.finding ?? "every promise holds"), digest=\(outcome.digest) steps=\(outcome.steps)"
        )
        guard outcome.finding == nil else { throw ExitCode(1) }
    }

    private func runSideBySide() throws {
        var workers = Workers(first: first, count: seeds, jobs: jobs, options: choices)
        let failed = try workers.run()
        print(
            "simulation: seeds=\(seeds) first=\(first) parts_with_findings=\(failed) digest=\(workers.digest)")
        guard failed == 0 else { throw ExitCode(1) }
    }

    private func replayCommand(_ seed: UInt64) -> String {
        let program = CommandLine.arguments.first ?? "relay-simulation"
        return (["\(program) --seed \(seed)"] + choices).joined(separator: " ")
    }

    private var choices: [String] {
        (mutant.map { ["--mutant", $0.rawValue] } ?? []) + (scene.map { ["--scene", $0.rawValue] } ?? [])
    }
}

extension Mutant: ExpressibleByArgument {}
extension Scene: ExpressibleByArgument {}

/// What came of several seeds.
private struct Tally: CustomStringConvertible {
    private var seeds = 0
    private(set) var findings = 0
    private(set) var digest = SeedsDigest()
    private var events = 0
    private var repeats = 0
    private var stops = 0
    private var milliseconds: Int64 = 0

    mutating func add(_ outcome: Simulation.Outcome) {
        seeds += 1
        digest.add(outcome)
        if outcome.finding != nil { findings += 1 }
        events += outcome.deliveries
        repeats += outcome.repeats
        stops += outcome.stops
        milliseconds += outcome.time
    }

    var description: String {
        "seeds=\(seeds) findings=\(findings) deliveries=\(events) repeats=\(repeats) stops=\(stops)"
            + " simulated_seconds=\(milliseconds / 1000) digest=\(digest)"
    }
}
