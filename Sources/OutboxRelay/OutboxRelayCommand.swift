import ArgumentParser

/// The root of the command line.
struct OutboxRelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox-relay",
        abstract: "Carries every committed row of an outbox table to every sink, at least once, in id order.",
        version: BuildVersion.text,
        subcommands: [
            RunCommand.self, MigrateCommand.self, DoctorCommand.self, StatusCommand.self, SinksCommand.self,
            ParkedCommand.self, ReplayCommand.self, ResumeCommand.self, VerifyCommand.self, TailCommand.self,
            PurgeCommand.self, ConfigCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}
