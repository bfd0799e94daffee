import ArgumentParser
import Glibc
import Libpq
import UnixSignals

/// `ledger load`
struct Load: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Post transfers at a steady rate from several connections; some roll back, some commit late.",
        discussion: """
            The last line on stdout is JSON: {"posted":…,"rolled_back":…,"late":…,"errors":…}. Of what was posted,
            `late` stayed open for a while before it committed. SIGINT and SIGTERM end the load early.
            """)

    @OptionGroup var database: DatabaseOption

    @Option(help: "Transfers a second, over all connections, due whether or not earlier ones are done.")
    var rate = 300.0

    @Option(help: "How long, such as 500ms, 60s or 5m.")
    var duration = TimeSpan(seconds: 60)

    @Option(help: "How many connections, from 1 to 1000.")
    var connections = 8

    @Option(help: "The share of transfers that roll back after post_transfer, such as 5%.")
    var rollbacks = Percentage(percent: 5)

    @Option(help: "The share of transfers that stay open for 0.1 to 1 s before they commit.")
    var late = Percentage(percent: 2)

    @Option(help: "How accounts are chosen.")
    var choice = AccountChoice.uniform

    func validate() throws {
        guard rate > 0, rate <= 1_000_000 else { throw ValidationError("--rate is a number above 0, up to 1000000.") }
        guard (1...1000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000.")
        }
        guard rollbacks.percent + late.percent <= 100 else {
            throw ValidationError("--rollbacks and --late are more than 100% together.")
        }
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
        print(tally.json)
    }

    private func post(counting tally: LoadTally) async throws(ExitCode) {
        let target: ConnectionTarget
        do { target = try database.target() } catch { throw Refusal(error).told() }
        let accounts = try await accounts()
        let plan = LoadPlan(
            rate: rate, duration: duration.duration, rollbacks: rollbacks.percent / 100, late: late.percent / 100,
            choice: choice, accounts: accounts)
        await LoadCrew(plan: plan, target: target, connections: connections, tally: tally).work()
        if let failure = tally.lastFailure {
            Refusal("\(tally.errors) transfers failed, the last one with: \(failure)", code: 0).tell()
        }
    }

    /// The accounts to use, opened where there are none.
    private func accounts() async throws(ExitCode) -> AccountBook {
        var book = AccountBook(holdings: [])
        var hasOutbox = false
        try await database.withConnection { connection throws(PostgresError) in
            hasOutbox = try await connection.query("SELECT to_regclass('outbox') IS NOT NULL").bool(0, 0) == true
            book = try await AccountBook.read(on: connection)
            guard book.count == 0 else { return }
            try await AccountBook.open(1000, on: connection)
            book = try await AccountBook.read(on: connection)
        }
        guard hasOutbox else {
            let sentence = "there is no table outbox: run `outbox-relay migrate` on this database first."
            throw Refusal(sentence, code: EX_CONFIG).told()
        }
        return book
    }
}
