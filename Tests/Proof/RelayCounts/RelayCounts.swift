import ArgumentParser

/// Does one part of an event's way, so many times, without a clock, a thread or a socket: whoever counts the instructions of
/// two runs knows what one event costs there. `make bench-check` does.
@main
struct RelayCounts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-counts", abstract: "Does one part of an event's way, to have its instructions counted.")

    enum Part: String, CaseIterable, ExpressibleByArgument {
        /// A transaction of the stream.
        case decode
        /// A row, into a batch of CloudEvents.
        case encode
        /// The machine, with events that come alone, or 500 at once.
        case walSingle = "wal-single"
        case walBatch = "wal-batch"
        case pollSingle = "poll-single"
        case pollBatch = "poll-batch"
    }

    @Argument var part: Part
    @Argument(help: "How many events.") var events: Int

    func validate() throws {
        guard events > 0 else { throw ValidationError("there must be at least one event") }
    }

    func run() throws {
        guard try done() == events else { throw CountingFailure("not every event came through") }
    }

    /// How many events came out.
    private func done() throws -> Int {
        switch part {
        case .decode: try decodeTransactions(events)
        case .encode: try encodeRows(events)
        case .walSingle: try MachineWorld(usesStream: true, rowsAtOnce: 1).run(events: events)
        case .walBatch: try MachineWorld(usesStream: true, rowsAtOnce: 500).run(events: events)
        case .pollSingle: try MachineWorld(usesStream: false, rowsAtOnce: 1).run(events: events)
        case .pollBatch: try MachineWorld(usesStream: false, rowsAtOnce: 500).run(events: events)
        }
    }
}

struct CountingFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
