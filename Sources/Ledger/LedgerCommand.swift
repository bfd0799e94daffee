import ArgumentParser

/// The reference ledger: what writes the events that the relay carries. It knows the outbox's table, not the relay.
@main
struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "The reference ledger: double-entry transfers, each with its event in the outbox.",
        subcommands: [Migrate.self, Seed.self, Load.self, Serve.self, Reconcile.self])
}
