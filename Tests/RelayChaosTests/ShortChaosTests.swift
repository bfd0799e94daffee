import RelayTestKit
import Testing

/// `make chaos` in its short form. A failure prints the seed, what was done and when, and where the logs are.
struct ShortChaosTests {
    @Test(arguments: ["poll", "wal"]) func everyKindOfFault(_ mode: String) async throws {
        try await Turn.heavy.take {
            let chaos = try await run(
                [
                    try RelayProcess.executable("relay-chaos"), "run", "--mode", mode, "--seconds", "12", "--relays",
                    "2",
                    "--rate", "60", "--producers", "1", "--longest", "2500", "--pause", "700",
                ], within: .seconds(1500))
            #expect(chaos.status == .exited(0), "\(chaos.output)\n\(chaos.errors)")
            #expect(chaos.lastLine.hasPrefix("chaos: good mode=\(mode)"), "\(chaos.output)")
        }
    }
}
