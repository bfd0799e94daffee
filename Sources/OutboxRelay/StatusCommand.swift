import ArgumentParser
import PostgresOutbox
import RelayConfiguration
import RelayObservability
import RelaySight

/// `outbox-relay status`: leader, mode, and how far each sink is.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show who leads, and how far each sink is.")

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON; with --watch a line each time.")
    var json = false

    @Flag(help: "Show it again and again, in its place on a terminal, until Ctrl-C.")
    var watch = false

    @Option(
        help: ArgumentHelp("With --watch: pause between two readings. (default: 2s)", valueName: "duration"),
        completion: .list(["1s", "2s", "5s", "10s", "1m"]))
    var interval: String?

    func validate() throws {
        guard interval == nil || watch else { throw ValidationError("--interval is only for --watch; add --watch") }
    }

    func run() async throws {
        let pause = try pause()
        let connector = try database.connector()
        guard watch else {
            let session = try await connector.connect()
            let status = try await RelayStatus(reading: session)
            print(json ? status.json.text : status.text(colours: TerminalOutput.standardOutput.hasColours))
            return await session.close()
        }
        let display = StatusDisplay(asJSON: json, every: pause)
        defer { display.end() }
        let watching = StatusWatch(
            connector: connector, interval: pause, show: { display.show($0) }, tell: { display.tell($0) })
        let work = Task { try await watching.run() }
        _ = TerminationSignals(onTermination: { _ in
            display.end()
            work.cancel()
        })
        try await work.value
    }

    private func pause() throws(ConfigurationProblem) -> Duration {
        guard let interval else { return .seconds(2) }
        guard let pause = Duration(configured: interval), pause >= .milliseconds(100), pause <= .seconds(86_400) else {
            throw .usage("--interval: write a duration from 100ms to 1d, such as 500ms, 2s or 1m")
        }
        return pause
    }
}
