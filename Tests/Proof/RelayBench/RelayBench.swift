import ArgumentParser

/// The benchmarks: what the product does, as a ratio to a reference that was measured in the same run.
///
/// A part is a file: `WebhookPart` (the sink alone), `RelayPart` (the real binary, from the table to the mark),
/// `LatencyPart` (one sink beside another that is down), `MemoryPart` (its resident set with many sinks, and with a
/// million events behind a dead one), `HoldPart` (events that wait for an open transaction), `StandingPart` (a new event
/// beside a long history), `SteadyPart` (events that come one by one, against the least that anybody must
/// do), `DrainPart` (a backlog), `LivePart` (a load at full
/// speed), `CurvesPart` (what an event costs as the work grows), `LedgerPart` (the ledger's HTTP API).
@main
struct RelayBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-bench", abstract: "Measures the relay against references of the same run.",
        subcommands: [
            WebhookCommand.self, RelayCommand.self, LatencyCommand.self, MemoryCommand.self, HoldCommand.self,
            StandingCommand.self, SteadyCommand.self, CurvesCommand.self, DrainCommand.self,
            LiveCommand.self, LedgerCommand.self, ReceiverCommand.self, PlainPollCommand.self, PlainBellCommand.self,
        ],
        defaultSubcommand: WebhookCommand.self)
}

/// `relay-bench webhook`
struct WebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "Webhooks, against a plain HTTP load generator on the same receiver.")

    @Option(help: "How long the receiver waits with each answer, in milliseconds.")
    var delay = 20
    @Option(help: "How often everything is measured; the median counts.")
    var runs = 3
    @Option(help: "How long a measurement takes, in seconds.")
    var seconds = 5

    func validate() throws {
        guard (0...60_000).contains(delay), (1...100).contains(runs), (1...600).contains(seconds) else {
            throw ValidationError("--delay is 0 to 60000, --runs 1 to 100, --seconds 1 to 600.")
        }
    }

    func run() async throws {
        let part = WebhookPart(delay: .milliseconds(delay), runs: runs, length: .seconds(seconds))
        let measurements = try await part.measure()
        print(Report.text(measurements))
        // The demands are made for 20 ms.
        guard delay != 20 || measurements.allSatisfy(\.isMet) else { throw ExitCode(1) }
    }
}
