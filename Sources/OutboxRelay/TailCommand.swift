import ArgumentParser
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayCore
import RelayObservability

/// `outbox-relay tail`: prints what would be delivered, without a sink and without touching anything.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print the events that would be delivered now; no cursor moves and nothing is written.",
        discussion: """
            Each event is a line, byte for byte as a file or stdout sink gets it. It is a look and not a delivery: events \
            are printed in the order of their ids as far as they are visible, and with --follow one that commits late, \
            below ids that were printed, is printed when it turns up.
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The first id. (default: the lowest that is not published; where all are, only new ones)",
            valueName: "id"))
    var from: Int64?

    @Option(
        name: .customLong("type"),
        help: ArgumentHelp(
            "Only events of this type; * stands for any text. Repeat it for more types.", valueName: "pattern"))
    var types: [String] = []

    @Flag(help: "Go on with new events, until Ctrl-C.")
    var follow = false

    @Option(help: ArgumentHelp("End after so many events.", valueName: "events"))
    var limit: Int?

    @Option(help: ArgumentHelp("CloudEvents source. (default: /outbox)", valueName: "uri"))
    var source: String?

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        try check()
        let (options, warnings) = try database.resolve([.database: database.database, .source: source], sinks: [])
        for warning in warnings { RelayLogHandler.writeToStderr("outbox-relay: warning: \(warning)\n") }
        let tail = EventTail(
            connector: AdministrationConnector(try ConnectionTarget(parsing: options.database)), source: options.source,
            from: from, follows: follow, rows: options.batchSize, bytes: options.memory / 4)
        let printer = TailPrinter(EventFilter(types: EventFilter.Choice(include: types)), limit: limit ?? .max)
        try await Self.open(printer)
        let work = Task { try await tail.run(into: printer) }
        _ = TerminationSignals(onTermination: { _ in work.cancel() })
        let result = await work.result
        await printer.close()
        try result.get()
    }

    private func check() throws(ConfigurationProblem) {
        if let from, from == .min { throw .usage("--from: \(from) is out of range; write an id above it") }
        if let limit, limit < 1 { throw .usage("--limit: \(limit) is out of range; write a number from 1") }
        guard types.count <= 100 else { throw .usage("--type: there are over 100 of them; use patterns with *") }
        guard types.allSatisfy({ (1...255).contains($0.utf8.count) }) else {
            throw .usage("--type: a pattern has 1 to 255 bytes; write one such as transfer.*")
        }
    }

    private static func open(_ printer: TailPrinter) async throws(ConfigurationProblem) {
        do throws(SinkError) {
            try StandardStreams.checkOutput()
            try await printer.open()
        } catch {
            throw .configuration(error.reason)
        }
    }
}
