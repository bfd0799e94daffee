/// What the argument parser says of a program with `--experimental-dump-help`, as far as a manual tells of it.
struct CommandTree: Decodable {
    let command: Command

    struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let discussion: String?
        let defaultSubcommand: String?
        let shouldDisplay: Bool
        let superCommands: [String]?
        let arguments: [Argument]?
        let subcommands: [Command]?

        /// As it is typed, with the program's name.
        var path: String { ((superCommands ?? []) + [commandName]).joined(separator: " ") }
    }

    struct Argument: Decodable, Equatable {
        let kind: Kind
        let names: [Name]?
        let valueName: String?
        let abstract: String?
        let discussion: String?
        let defaultValue: String?
        let isOptional: Bool
        let isRepeating: Bool
        let shouldDisplay: Bool

        enum Kind: String, Decodable {
            case positional, option, flag
        }

        /// Its names as they are typed, short ones first as the help has them.
        var spellings: [String] {
            (names ?? []).sorted { $0.name.utf8.count < $1.name.utf8.count }.map(\.spelling)
        }

        /// The value's name; nil where it takes none.
        var value: String? { kind == .flag ? nil : valueName }
    }

    struct Name: Decodable, Equatable {
        let kind: Kind
        let name: String

        enum Kind: String, Decodable {
            case long, short, longWithSingleDash
        }

        var spelling: String { kind == .long ? "--\(name)" : "-\(name)" }
    }
}
