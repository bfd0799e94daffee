import RelaySimulation
import RelayTestKit
import Testing

/// The simulation keeps its own promises: the sound relay passes, a broken one is found, and a seed tells the same
/// story every time. Each run is a process of its own, since the executor's hooks are the whole process's.
@Suite struct SimulationTests {
    /// For what hangs: everything else runs at the same time and comes first (`nice`).
    private let limit = Duration.seconds(1200)
    /// Simulated time does not care how slowly it passes; the other tests' clocks are real.
    private static let turn = Turn(places: 2)

    private func simulate(_ arguments: String...) async throws -> CommandRun {
        try await simulate(RelayProcess.executable("relay-simulation"), arguments)
    }

    private func simulate(_ program: String, _ arguments: [String]) async throws -> CommandRun {
        try await Self.turn.take {
            try await run(["/usr/bin/nice", "-n", "19", program] + arguments, within: limit)
        }
    }

    /// A number of the last line.
    private func number(_ name: String, _ run: CommandRun) -> Int? { word(name, run).flatMap { Int($0) } }

    private func word(_ name: String, _ run: CommandRun) -> String? {
        run.lastLine.split(separator: " ").first { $0.hasPrefix("\(name)=") }.map {
            String($0.dropFirst(name.count + 1))
        }
    }

    /// A thousand seeds in all.
    @Test(arguments: [1, 251, 501, 751]) func everyPromiseHolds(first: Int) async throws {
        let done = try await simulate("--first", "\(first)", "--seeds", "250")
        #expect(done.status == .exited(0), "\(done.output) \(done.errors)")
        #expect(number("seeds", done) == 250)
        #expect(number("findings", done) == 0)
        // And much has happened: deliveries, and some of them again.
        #expect(try #require(number("deliveries", done)) > 250 * 20)
        #expect(try #require(number("repeats", done)) > 250)
    }

    /// What only some worlds have, each once in depth.
    @Test(arguments: Scene.allCases) func everyPromiseHoldsInEveryScene(_ scene: Scene) async throws {
        let done = try await simulate("--scene", scene.rawValue, "--first", "5001", "--seeds", "60")
        #expect(done.status == .exited(0), "\(done.output) \(done.errors)")
        #expect(number("findings", done) == 0)
    }

    /// Side by side, every seed is run.
    @Test func severalProcessesShareTheSeeds() async throws {
        let done = try await simulate("--seeds", "40", "--jobs", "3")
        #expect(done.status == .exited(0), "\(done.output) \(done.errors)")
        #expect(done.output.contains("40 of 40 seeds"))
        // And the same comes of them as of one process.
        let alone = try await simulate("--seeds", "40")
        let digest = try #require(word("digest", alone))
        #expect(word("digest", done) == digest)
        #expect(word("digest", try await simulate("--seeds", "41")) != digest)
        let broken = try await simulate("--seeds", "40", "--jobs", "3", "--mutant", "floorFromThisScan")
        #expect(broken.status == .exited(1))
        #expect(broken.output.contains("replay: "))
    }

    /// What is broken on purpose is found within two thousand seeds, and the command that is told repeats it.
    @Test(arguments: Mutant.allCases) func aMutantIsFound(_ mutant: Mutant) async throws {
        let done = try await simulate("--mutant", mutant.rawValue, "--seeds", "2000", "--until-finding")
        #expect(done.status == .exited(1), "\(done.output) \(done.errors)")
        let lines = done.output.split(separator: "\n").map(String.init)
        let found = try #require(lines.first { $0.hasPrefix("seed ") })
        let command = try #require(lines.first { $0.contains("replay: ") }).split(separator: " ").dropFirst()
            .map(String.init)
        let again = try await simulate(try #require(command.first), Array(command.dropFirst()))
        #expect(again.status == .exited(1))
        #expect(again.lastLine.hasPrefix(found), "\(again.lastLine)")
        let finding = try #require(found.split(separator: ":", maxSplits: 1).last)
        #expect(again.output.contains(" FOUND:\(finding)\n"))
    }

    @Test(arguments: ["1", "3", "14"]) func aSeedTellsTheSameStory(seed: String) async throws {
        let first = try await simulate("--seed", seed)
        let second = try await simulate("--seed", seed)
        #expect(first.output == second.output)
        #expect(first.output.split(separator: "\n").count > 50)
        #expect(first.lastLine.hasPrefix("seed \(seed): every promise holds"))
    }

    @Test func anotherSeedTellsAnotherStory() async throws {
        #expect(try await simulate("--seed", "1").lastLine != (try await simulate("--seed", "2")).lastLine)
    }

    @Test(arguments: [
        ["--seeds", "0"], ["--mutant", "none"], ["--scene", "none"], ["--jobs", "0"],
        ["--jobs", "2", "--until-finding"],
    ])
    func wrongWordsAreRefused(_ arguments: [String]) async throws {
        let done = try await run([RelayProcess.executable("relay-simulation")] + arguments)
        #expect(done.status == .exited(64))
        #expect(done.output.isEmpty && !done.errors.isEmpty)
    }
}
