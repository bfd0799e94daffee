/// The manual's sections about the commands of a program: one for each that does something, with its options.
struct CommandSections {
    private let program: CommandTree.Command
    /// The options of the command that runs where none is named. Others that have them too only name them.
    private let shared: [CommandTree.Argument]

    init(_ tree: CommandTree) {
        let program = tree.command
        let standard = program.subcommands?.first { $0.commandName == program.defaultSubcommand }
        self.program = program
        shared = standard.map(Self.ownArguments) ?? []
    }

    /// Lines of roff.
    var lines: [String] {
        var lines = [".SH OPTIONS"]
        for argument in program.arguments ?? [] where argument.shouldDisplay { lines += Self.entry(argument) }
        lines.append(".SH COMMANDS")
        for command in program.subcommands ?? [] where command.shouldDisplay { lines += section(command) }
        return lines
    }

    private func section(_ command: CommandTree.Command) -> [String] {
        let deeper = (command.subcommands ?? []).filter(\.shouldDisplay)
        guard deeper.isEmpty else { return deeper.flatMap(section) }
        let isStandard = command.commandName == program.defaultSubcommand
        let own = Self.ownArguments(command)
        let named = isStandard ? [] : own.filter(shared.contains)
        var lines = [".SS \(Roff.text(command.path))", Roff.bold(command.path) + Self.usage(own)]
        for text in [command.abstract, command.discussion].compactMap(\.self) where !text.isEmpty {
            lines.append(".PP")
            lines += Roff.paragraph(text)
        }
        for argument in own where !named.contains(argument) { lines += Self.entry(argument) }
        if !named.isEmpty {
            lines.append(".PP")
            lines.append("As with \(Roff.bold(program.defaultSubcommand ?? "")):")
            lines.append(named.flatMap(\.spellings).map(Roff.bold).joined(separator: ", ") + ".")
        }
        return lines
    }

    /// What every command has, the program's own section tells.
    private static func ownArguments(_ command: CommandTree.Command) -> [CommandTree.Argument] {
        (command.arguments ?? []).filter {
            $0.shouldDisplay && $0.spellings.allSatisfy { !["--help", "--version"].contains($0) }
        }
    }

    /// What must be given, in full; of the rest, that there is some.
    private static func usage(_ arguments: [CommandTree.Argument]) -> String {
        var words = arguments.filter { $0.kind == .positional || !$0.isOptional }.map { argument in
            let value = argument.value.map(Roff.italic) ?? ""
            let name = argument.spellings.last.map { Roff.bold($0) + " " } ?? ""
            let word = name + value + (argument.isRepeating ? "..." : "")
            return argument.isOptional ? "[\(word)]" : word
        }
        if arguments.contains(where: { $0.kind != .positional && $0.isOptional }) {
            words.append("[\(Roff.italic("options"))]")
        }
        return words.map { " " + $0 }.joined()
    }

    private static func entry(_ argument: CommandTree.Argument) -> [String] {
        let value = argument.value.map(Roff.italic)
        let names = argument.spellings.map(Roff.bold).joined(separator: ", ")
        let tag = [names.isEmpty ? nil : names, value].compactMap(\.self).joined(separator: " ")
        var lines = [".TP", tag + (argument.isRepeating ? " ..." : "")]
        for text in [argument.abstract, argument.discussion].compactMap(\.self) { lines += Roff.paragraph(text) }
        if let value = argument.defaultValue { lines.append("(default: \(Roff.text(value)))") }
        return lines
    }
}
