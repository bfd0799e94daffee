import ArgumentParser
import PostgresOutbox
import RelayConfiguration
import RelayObservability

/// `outbox-relay purge`: deletes events that every sink has had for long enough.
struct PurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Delete events that were published long ago and that every sink has.",
        discussion: """
            Rows go from the lowest id upwards, up to 1000 in a transaction, and never one that a registered sink has not \
            received yet, whether anybody serves that sink or not. A running relay goes on. Ctrl-C ends it at the end of \
            a batch; run again, it continues.
            """)

    @Option(
        help: ArgumentHelp(
            "Delete what was published longer ago than this, by the server's clock: 12h, 7d.", valueName: "duration"))
    var olderThan: String

    @Flag(help: "Delete nothing, only say what would go.")
    var dryRun = false

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    /// A hundred years: what the server's times can be subtracted from.
    private static let longestAge = Duration.seconds(36_500 * 86_400)

    func run() async throws {
        let age = try age()
        // What it does is done in short steps: each looks whether a signal has come.
        let signals = TerminationSignals { _ in }
        let session = try await database.connector().connect()
        let line = ProgressLine(total: nil, unit: "events", isWanted: !json)
        let purge: Purge
        do {
            purge = try await purged(session, age, line, until: signals)
        } catch {
            line.finish()
            await session.close()
            throw error
        }
        line.finish()
        await session.close()
        let report = PurgeReport(
            purge.findings, cutoff: purge.cutoff, isDryRun: dryRun,
            signal: purge.findings.end == nil ? signals.caught : nil)
        print(json ? report.json.text : report.text)
        if !report.exitCode.isSuccess { throw report.exitCode }
    }

    private func age() throws(ConfigurationProblem) -> Duration {
        guard let age = Duration(configured: olderThan), age <= Self.longestAge else {
            throw .usage("--older-than: write a duration up to 36500d, such as 12h or 7d")
        }
        return age
    }

    /// A page, then a pause as long as it took: the server has at least half of its time for everybody else.
    private func purged(
        _ session: Session, _ age: Duration, _ line: ProgressLine, until signals: TerminationSignals
    ) async throws -> Purge {
        var purge = try await Purge(session, olderThan: age, isDryRun: dryRun)
        let span = line.isShown ? try await purge.expectedSpan() : nil
        let clock = ContinuousClock()
        while true {
            let began = clock.now
            guard try await purge.nextPage() else { return purge }
            let fraction = span.map { span in
                // The distance of two ids need not fit into an integer.
                let (first, last, next) = (Double(span.first), Double(span.last), Double(purge.next))
                return min(1, max(0, (next - first) / max(1, last - first)))
            }
            line.advance(to: purge.findings.count, fraction: fraction)
            if signals.caught != nil { return purge }
            try await Task.sleep(for: clock.now - began)
        }
    }
}
