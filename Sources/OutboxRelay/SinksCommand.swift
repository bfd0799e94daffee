import ArgumentParser
import PostgresOutbox
import RelayConfiguration
import RelayCore
import RelayObservability

/// `outbox-relay sinks`: the registered sinks and their places.
struct SinksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sinks", abstract: "List, add, move or remove registered sinks.",
        subcommands: [SinksList.self, SinksAdd.self, SinksMove.self, SinksRemove.self])
}

/// `outbox-relay sinks list`
struct SinksList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the registered sinks.")

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let session = try await database.connector().connect()
        let sinks = try await SinkAdministrator(session).list()
        if json {
            print(JSONText.array(sinks.map(\.json)).text)
        } else {
            print(sinks.isEmpty ? "no sink is registered" : sinks.map(\.text).joined(separator: "\n"))
        }
        await session.close()
    }
}

/// `outbox-relay sinks add NAME [--from …]`
struct SinksAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Register a sink; it begins at the oldest unpublished event.")

    @Argument(help: "The sink's name.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "oldest (unpublished event), latest (only new ones), beginning (first row), or the first id.",
            valueName: "place"),
        completion: .list(["oldest", "latest", "beginning"]))
    var from = "oldest"

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let place = try SinkPlace(argument: from, of: "--from")
        try checkName(name)
        try await perform(.add(name: name, from: place), database, json: json)
    }
}

/// `outbox-relay sinks move NAME --to …`
struct SinksMove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move", abstract: "Set where a sink continues; moving it forward skips the events in between.")

    @Argument(help: "The sink's name.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "oldest (unpublished event), latest (only new ones), beginning (first row), or the next id.",
            valueName: "place"),
        completion: .list(["oldest", "latest", "beginning"]))
    var to: String

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let place = try SinkPlace(argument: to, of: "--to")
        try await perform(.move(name: name, to: place), database, json: json)
    }
}

/// `outbox-relay sinks remove NAME`
struct SinksRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a sink; publishing no longer waits for it.")

    @Argument(help: "The sink's name.")
    var name: String

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await perform(.remove(name: name), database, json: json)
    }
}

/// Does it, and prints the sink as it is then: as JSON what `sinks list --json` has of it, and of one that is gone its
/// name and that it is gone.
private func perform(_ request: SinkRequest, _ database: DatabaseOptions, json: Bool) async throws {
    let session = try await database.connector().connect()
    let administrator = SinkAdministrator(session)
    let sink = try await administrator.perform(request)
    if let first = request.firstID, let lowest = try await administrator.lowestID(),
        let note = purgedNote(from: first, lowest: lowest)
    {
        RelayLogHandler.writeToStderr("outbox-relay: \(note)\n")
    }
    if json {
        print((sink?.json ?? .object([("name", .string(request.name)), ("removed", .bool(true))])).text)
    } else {
        print(sink?.text ?? "sink \(request.name) is removed")
    }
    await session.close()
}

extension SinkRequest {
    /// From where on events are asked for that may not be there any more; drawn ids begin at 1.
    fileprivate var firstID: Int64? {
        switch self {
        case .add(_, .beginning), .move(_, .beginning): 1
        case .add(_, .id(let id)), .move(_, .id(let id)): id
        default: nil
        }
    }
}

/// On the command line a bad name is a matter of usage.
private func checkName(_ name: String) throws(ConfigurationProblem) {
    do throws(ConfigurationProblem) {
        try SinkOption.check(name: name, at: "NAME")
    } catch {
        throw .usage(error.message)
    }
}

extension SinkPlace {
    fileprivate init(argument: String, of flag: String) throws(ConfigurationProblem) {
        switch argument {
        case "oldest": self = .oldest
        case "latest": self = .latest
        case "beginning": self = .beginning
        default:
            guard let id = Int64(argument) else {
                throw .usage("\(flag): '\(argument)' is not a place; write oldest, latest, beginning or an id")
            }
            self = .id(id)
        }
    }
}

extension SinkRegistration {
    fileprivate var json: JSONText {
        .object([
            ("name", .string(name)), ("delivered_through", .int(cursor)), ("earned", .bool(isEarned)),
            ("start", .string(or: start?.rawValue)), ("pass_through", passThrough.map { .int($0) } ?? .null),
            ("removing", .bool(isRemoving)),
        ])
    }

    fileprivate var text: String {
        if isRemoving { return "sink \(name): being removed, at \(cursor)" }
        if let start { return "sink \(name): begins at the \(start.rawValue) event once a relay leads" }
        return "sink \(name): delivered through \(cursor)"
            + (passThrough.map { ", skips existing events through \($0)" } ?? "")
    }
}
