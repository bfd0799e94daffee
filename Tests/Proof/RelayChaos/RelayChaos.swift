import ArgumentParser
import Glibc

/// Chaos on the real binary: `make chaos`.
@main
struct RelayChaos: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-chaos", abstract: "Breaks relays, server, network and sinks, and audits the outcome.",
        subcommands: [RunCommand.self, FailoverCommand.self], defaultSubcommand: RunCommand.self)

    static func main() async {
        await SmallDisk.enterNamespace()
        await main(nil)
    }
}

/// Prints a line at once, also where the output is a file.
func say(_ text: String) {
    print(text)
    fflush(nil)
}
