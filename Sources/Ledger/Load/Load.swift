import ArgumentParser
import Glibc
import UnixSignals

/// `ledger load`
struct Load: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Post transfers at a fixed rate, to the database or over HTTP, and measure how long they take.",
        discussion: """
            The last line on stdout is JSON: {"posted":…,"rolled_back":…,"late":…,"errors":…,"dropped":…,"retries":…,"rate":…,
            "latency_ms":{"p50":…,"p90":…,"p99":…,"p999":…,"max":…}}. SIGINT and SIGTERM end the load early.

            Transfers are due at the rate, whether or not earlier ones are done. A latency begins when its transfer is due; \
            `dropped` were due and never begun. Of what was posted, `late` stayed open for a while before it committed. \
            Latencies are of the others, null without any. Late ones keep connections busy: to measure the ledger, give \
            --rollbacks 0 --late 0.
            """)

    @OptionGroup var database: DatabaseOption

    @Option(
        help: ArgumentHelp(
            "Post over the HTTP API there, not to a database: http://HOST:PORT.",
            discussion: "A request that is not answered is made again, under the same Idempotency-Key."))
    var url: LoadURL?

    @Option(help: "Transfers a second, over all connections, due whether or not earlier ones are done.")
    var rate = 300.0

    @Option(help: "How long, such as 500ms, 60s or 5m.")
    var duration = TimeSpan(seconds: 60)

    @Option(help: "How many connections, from 1 to 1000.")
    var connections = 8

    @Option(
        help: "The share of transfers that roll back after post_transfer, such as 5%. (default: 5%; 0 with --url)")
    var rollbacks: Percentage?

    @Option(
        help: "The share of transfers that stay open for 0.1 to 1 s before they commit. (default: 2%; 0 with --url)")
    var late: Percentage?

    @Option(help: "How accounts are chosen.")
    var choice = AccountChoice.uniform

    @Option(help: "The exponent s of the zipfian choice, from 0 to 10: the n-th account's weight is 1 / n^s.")
    var zipfExponent = 1.0

    func validate() throws {
        guard rate >= 0.001, rate <= 1_000_000 else {
            throw ValidationError("--rate is a number from 0.001 to 1000000.")
        }
        guard (1...1000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000.")
        }
        guard (0...10).contains(zipfExponent) else {
            throw ValidationError("--zipf-exponent is a number from 0 to 10.")
        }
        let (rollbacks, late) = shares
        guard url == nil || (rollbacks == 0 && late == 0) else {
            throw ValidationError("--rollbacks and --late need transactions, which --url has none of: leave them out.")
        }
        guard url == nil || database.database.isEmpty else {
            throw ValidationError("--database and --url exclude each other: leave one of them out.")
        }
        guard rollbacks + late <= 1 else {
            throw ValidationError("--rollbacks and --late are more than 100% together.")
        }
    }

    /// Of all transfers, from 0 to 1.
    private var shares: (rollbacks: Double, late: Double) {
        let (few, fewer) = url == nil ? (5.0, 2.0) : (0, 0)
        return ((rollbacks?.percent ?? few) / 100, (late?.percent ?? fewer) / 100)
    }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let tally = LoadTally()
        let work = Task { () -> Result<Void, ExitCode> in
            do throws(ExitCode) { return .success(try await post(counting: tally)) } catch { return .failure(error) }
        }
        let watch = Task {
            for await _ in signals {
                // The second one does not wait for anything.
                if work.isCancelled { Glibc._exit(128 + SIGINT) }
                work.cancel()
            }
        }
        let outcome = await work.value
        watch.cancel()
        // Also where it was ended before it had begun.
        if !work.isCancelled { try outcome.get() }
        print(tally.summary.json)
    }

    /// Posts between these accounts, until the load is over. It begins once all desks are open.
    func work(
        between book: AccountBook, counting tally: LoadTally, at openDesk: @escaping @Sendable () async -> any LoadDesk
    ) async throws(ExitCode) {
        guard let draw = AccountDraw(choice, exponent: zipfExponent, from: book) else {
            let sentence = "no asset has two accounts that money could move between: open some with `ledger seed`."
            throw Refusal(sentence, code: EX_CONFIG).told()
        }
        let desks = await withTaskGroup { group in
            for _ in 0..<connections { group.addTask { await openDesk() } }
            return await group.reduce(into: [any LoadDesk]()) { $0.append($1) }
        }
        let pace = LoadPace(rate: rate, duration: duration.duration)
        let crew = LoadCrew(
            plan: LoadPlan(rollbacks: shares.rollbacks, late: shares.late, accounts: draw), pace: pace, tally: tally,
            desks: desks)
        let progress = LoadProgress.isSeen ? Task { await LoadProgress(tally: tally, pace: pace).show() } : nil
        await crew.work()
        progress?.cancel()
        await progress?.value
        let summary = tally.summary
        if let failure = summary.lastFailure {
            Refusal("\(summary.errors) transfers failed, the last one with: \(failure)", code: 0).tell()
        }
    }
}
