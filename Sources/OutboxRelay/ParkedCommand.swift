import ArgumentParser
import PostgresOutbox
import RelayConfiguration
import RelayObservability

/// `outbox-relay parked`: events that a sink has rejected, and those behind them.
struct ParkedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parked", abstract: "List, add, retry or discard the events that are parked for a sink.",
        subcommands: [ParkedList.self, ParkedAdd.self, ParkedRetryCommand.self, ParkedDiscard.self])
}

/// `outbox-relay parked list --sink NAME`
struct ParkedList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the parked events of a sink.")

    @Option(help: "The sink's name.")
    var sink: String

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let session = try await database.connector().connect()
        let parked = ParkedEvents(session, sink: sink)
        try await parked.refuseUnknown(sink)
        var last = Int64.min
        var isFirst = true
        while case let page = try await parked.page(after: last), let end = page.last?.id {
            for entry in page {
                print(json ? (isFirst ? "[" : ",") + entry.json.text : entry.text, terminator: json ? "" : "\n")
                isFirst = false
            }
            last = end
        }
        if json { print(isFirst ? "[]" : "]") } else if isFirst { print("nothing is parked for sink \(sink)") }
        await session.close()
    }
}

/// `outbox-relay parked add --sink NAME --id ID…`
struct ParkedAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Park an event that blocks a sink, so that the sink goes on; the leader does it.")

    @Option(help: "The sink's name.")
    var sink: String

    @Option(parsing: .upToNextOption, help: "The ids of the events.")
    var id: [Int64]

    @Flag(help: "Wait until the leader has done it; exit 1 if an event was already delivered.")
    var wait = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard !id.isEmpty else { throw ValidationError("no events are given; add --id ID…") }
    }

    func run() async throws {
        let session = try await database.connector().connect()
        let setting = ParkRequests(session, sink: sink)
        try await setting.ask(id)
        guard wait else {
            let text = "the leader will park \(id.count == 1 ? "event \(id[0])" : "\(id.count) events")"
            print(json ? facts(pending: id.count, delivered: []).text : text)
            return await session.close()
        }
        var progress = try await setting.progress(of: id)
        while progress.pending > 0 {
            try await Task.sleep(for: .milliseconds(50))
            progress = try await setting.progress(of: id)
        }
        await session.close()
        if json {
            print(facts(pending: progress.pending, delivered: progress.delivered).text)
        } else if progress.delivered.isEmpty {
            print("\(id.count == 1 ? "event \(id[0]) is" : "\(id.count) events are") parked for sink \(sink)")
        } else {
            for id in progress.delivered {
                print("event \(id) was delivered to sink \(sink) before it could be parked")
            }
        }
        if !progress.delivered.isEmpty { throw ExitCode.checkFailed }
    }

    /// The members and their order are a promise.
    private func facts(pending: Int, delivered: [Int64]) -> JSONText {
        .object([
            ("sink", .string(sink)), ("requested", .int(Int64(id.count))), ("pending", .int(Int64(pending))),
            ("delivered", .array(delivered.map { .int($0) })),
        ])
    }
}

/// Which parked events a command is about.
struct ParkedSelection: ParsableArguments {
    @Option(help: "The sink's name.")
    var sink: String

    @Option(parsing: .upToNextOption, help: "The ids of the events.")
    var id: [Int64] = []

    @Flag(help: "All events that are parked for the sink now.")
    var all = false

    @Flag(help: "Wait until the leader has done it; exit 1 if an event was rejected again.")
    var wait = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard all == id.isEmpty else { throw ValidationError("give either --id ID… or --all") }
    }
}

/// `outbox-relay parked retry --sink NAME …`
struct ParkedRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Deliver parked events again, in order; the leader does it.")

    @OptionGroup var selection: ParkedSelection
    @OptionGroup var database: DatabaseOptions

    func run() async throws { try await ask(.retry, selection, database) }
}

/// `outbox-relay parked discard --sink NAME …`
struct ParkedDiscard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Discard parked events; the leader does it.")

    @OptionGroup var selection: ParkedSelection
    @OptionGroup var database: DatabaseOptions

    func run() async throws { try await ask(.discard, selection, database) }
}

private func ask(
    _ action: ParkedEvents.Action, _ selection: ParkedSelection, _ database: DatabaseOptions
) async throws {
    let session = try await database.connector().connect()
    let parked = ParkedEvents(session, sink: selection.sink)
    try await parked.refuseUnknown(selection.sink)
    let request = try await parked.ask(action, selection.all ? nil : selection.id)
    guard selection.wait else {
        let text = "the leader will \(action.rawValue) \(request.count == 1 ? "1 event" : "\(request.count) events")"
        print(selection.json ? facts(action, selection, request, pending: request.count).text : text)
        return await session.close()
    }
    var progress = try await parked.progress(of: request)
    while progress.pending > 0 {
        try await Task.sleep(for: .milliseconds(50))
        progress = try await parked.progress(of: request)
    }
    await session.close()
    if selection.json {
        print(facts(action, selection, request, pending: progress.pending, rejected: progress.rejected).text)
    } else if progress.rejected.isEmpty {
        let events = request.count == 1 ? "1 event was" : "\(request.count) events were"
        print("\(events) \(action == .retry ? "retried" : "discarded")")
    } else {
        for entry in progress.rejected { print(entry.text) }
    }
    if !progress.rejected.isEmpty { throw ExitCode.checkFailed }
}

/// The members and their order are a promise.
private func facts(
    _ action: ParkedEvents.Action, _ selection: ParkedSelection, _ request: ParkedEvents.Request, pending: Int,
    rejected: [ParkedEvents.Entry] = []
) -> JSONText {
    .object([
        ("sink", .string(selection.sink)), ("action", .string(action.rawValue)),
        ("requested", .int(Int64(request.count))), ("pending", .int(Int64(pending))),
        ("rejected", .array(rejected.map(\.json))),
    ])
}

extension ParkedEvents {
    fileprivate func refuseUnknown(_ sink: String) async throws(Refusal) {
        if try await isRegistered() { return }
        if try await !page(after: .min).isEmpty { return }
        throw Refusal(
            .wrongRequest, check: "sink:\(sink)", problem: "sink \(sink) is not registered",
            remedy: "see outbox-relay sinks list")
    }
}

extension ParkedEvents.Entry {
    fileprivate var json: JSONText {
        .object([
            ("id", .int(id)), ("event_type", .string(eventType)), ("aggregate_type", .string(aggregateType)),
            ("aggregate_id", .string(aggregateID)), ("reason", .string(reason)),
            ("behind", behind.map { .int($0) } ?? .null), ("attempts", .int(attempts)),
            ("parked_at", .string(parkedAt)), ("requested", .string(or: requested)),
        ])
    }

    fileprivate var text: String {
        oneLine(
            "\(id) \(eventType) \(aggregateType) \(aggregateID), parked \(parkedAt), attempts \(attempts)"
                + (requested.map { ", \($0) requested" } ?? "") + ": \(reason)")
    }
}
