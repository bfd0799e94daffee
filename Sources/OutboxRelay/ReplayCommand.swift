import ArgumentParser
import FileSink
import Foundation
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayCore
import RelayObservability
import RelayRuntime
import WebhookSink

/// `outbox-relay replay`: delivers a stretch of the outbox once more, beside the live lane and without moving its cursor.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Deliver a range of events again, beside the running relay.")

    @Option(help: ArgumentHelp("The configured sink whose options, retries and filter apply.", valueName: "name"))
    var sink: String

    @Option(parsing: .unconditional, help: ArgumentHelp("The id of the first event.", valueName: "id"))
    var from: Int64

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The id of the last event. (default: the highest that is committed)", valueName: "id"))
    var to: Int64?

    @Option(
        help: ArgumentHelp(
            "Another destination: stdout, http://…, https://…, or file:PATH of a new file.", valueName: "spec"),
        completion: .list(["stdout", "file:", "http://", "https://"]))
    var into: String?

    @Option(help: ArgumentHelp("CloudEvents source. (default: /outbox)", valueName: "uri"))
    var source: String?

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print the result as JSON, on stderr.")
    var json = false

    func run() async throws {
        let (options, warnings) = try database.resolve([.database: database.database, .source: source], sinks: [])
        for warning in warnings { RelayLogHandler.writeToStderr("outbox-relay: warning: \(warning)\n") }
        let target = try target(options)
        let connector = AdministrationConnector(try ConnectionTarget(parsing: options.database))
        let reader = try await ReplayReader(connector, source: options.source)
        let plan = plan(options, target, highest: reader.highest)
        let sink = target.name
        let line = ProgressLine(total: nil, unit: "events", isWanted: !json && !target.writesToTerminal)
        if let note = purgedNote(from: from, lowest: reader.lowest) { line.say("outbox-relay: \(note)\n") }
        let progress = ReplayProgress(reader, plan: plan, on: line)
        try target.check()
        let made = WatchedSink(makeSink(target, window: options.window)) { _, last in progress.reached(last) }
        let run = ReplayRun(
            plan, from: progress, into: made, filter: target.filter, outbox: reader.outbox,
            patience: options.shutdownTimeout
        ) { line.say("outbox-relay: \(sentence($0, of: sink))\n") }
        let signals = TerminationSignals { _ in await run.stop() }
        let outcome = await run.run()
        line.finish()
        await reader.close()
        let report = ReplayReport(outcome, sink: sink, signal: signals.caught)
        RelayLogHandler.writeToStderr(json ? report.json.text + "\n" : "outbox-relay: \(report.text)\n")
        if let failure = outcome.failure, !(failure is UnreadableRow) { throw failure }
        if !report.exitCode.isSuccess { throw report.exitCode }
    }

    /// Events that go to the same terminal would be in the middle of it.
    private func target(_ options: RelayOptions) throws(ConfigurationProblem) -> SinkOption {
        guard from > .min else { throw .usage("--from: \(from) is out of range; write an id above it") }
        if let to, to < from { throw .usage("--to: \(to) is below --from \(from); write an id at or above it") }
        let spec = try into.map { (text) throws(ConfigurationProblem) in try SinkSpec(parsing: text, at: "--into") }
        let target = try options.replayTarget(sink: sink, into: spec)
        if case .file(let file) = target.destination, FileManager.default.fileExists(atPath: file.path) {
            throw .usage("--into: \(file.path) already exists; name a new file")
        }
        return target
    }

    /// Bounds are fixed at the start: what is committed later is for the live lane.
    private func plan(_ options: RelayOptions, _ target: SinkOption, highest: Int64?) -> ReplayPlan {
        let highest = highest ?? from - 1
        var plan = ReplayPlan(from: from, through: min(to ?? highest, highest))
        plan.rows = options.batchSize
        plan.bytes = options.memory / 4
        plan.retry = target.lane.retry
        plan.passesRejected = target.lane.onReject == .park
        plan.chunk = target.replayChunk
        return plan
    }
}

private func sentence(_ note: ReplayNote, of sink: String) -> String {
    switch note {
    case .outage(let reason): "delivery to sink \(sink) fails and is tried again: \(reason)"
    case .recovered: "delivery to sink \(sink) works again"
    case .rejected(let id, let reason): "sink \(sink) rejects event \(id), which is skipped: \(reason)"
    }
}

extension SinkOption {
    /// Events of one delivery: a file is flushed once for each, a webhook takes a request or more for them.
    fileprivate var replayChunk: Int {
        if case .webhook(let settings) = destination { max(settings.batch, 100) } else { 1000 }
    }
}
