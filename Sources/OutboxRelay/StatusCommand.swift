import ArgumentParser
import PostgresOutbox
import RelayObservability

/// `outbox-relay status`: leader, mode, and how far each sink is.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show who leads, and how far each sink is.")

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let session = try await database.connector().connect()
        let status = try await RelayStatus(reading: session)
        print(json ? status.json.text : status.text)
        await session.close()
    }
}

extension RelayStatus {
    /// The members and their order are a promise.
    var json: JSONText {
        .object([
            ("leader", leader?.json ?? .null), ("mode", .string(or: mode)), ("streaming", .bool(streaming)),
            ("unpublished", .int(unpublished)), ("order_hold", orderHold?.json ?? .null),
            ("sinks", .array(sinks.map(\.json))),
        ])
    }

    /// For people.
    var text: String {
        var lines: [String] = []
        if let leader {
            let place = leader.host.map { " on \($0)" } ?? ""
            let since = leader.since.map { " since \($0)" } ?? ""
            lines.append("leader: pid \(leader.pid)\(place)\(since), mode \(mode ?? "unknown")")
            lines.append("streaming: \(streaming ? "yes" : "no")")
        } else {
            lines.append("leader: none")
        }
        if let stoppedReason { lines.append("stopped: \(stoppedReason)") }
        lines.append("unpublished: \(unpublished)")
        if let hold = orderHold {
            let who = hold.gid.map { "prepared transaction \($0)" } ?? "pid \(hold.pid ?? 0)"
            let name = hold.applicationName.map { " (\($0))" } ?? ""
            lines.append("order held: by \(who)\(name) for \(hold.seconds)s, above id \(hold.aboveID)")
        }
        if sinks.isEmpty { lines.append("no sink is registered") }
        return (lines + sinks.map(\.text)).map(oneLine).joined(separator: "\n")
    }
}

extension RelayStatus.Leader {
    fileprivate var json: JSONText {
        .object([
            ("pid", .int(pid)), ("application_name", .string(applicationName)), ("host", .string(or: host)),
            ("since", .string(or: since)),
        ])
    }
}

extension RelayStatus.OrderHold {
    fileprivate var json: JSONText {
        .object([
            gid.map { ("gid", .string($0)) } ?? ("pid", pid.map { .int($0) } ?? .null),
            ("application_name", .string(or: applicationName)), ("seconds", .int(seconds)),
            ("above_id", .int(aboveID)),
        ])
    }
}

extension RelayStatus.Sink {
    fileprivate var json: JSONText {
        .object([
            ("name", .string(name)), ("configured", .bool(configured)), ("delivered_through", .int(deliveredThrough)),
            ("lag_events", .int(lagEvents)), ("lag_seconds", .number(lagSeconds)), ("parked", .int(parked)),
            ("state", .string(state)), ("last_error", .string(or: lastError)),
        ])
    }

    fileprivate var text: String {
        "sink \(name): \(state), delivered through \(deliveredThrough), lacks \(lagEvents) events"
            + (lagEvents > 0 ? " (the oldest \(JSONText.number(lagSeconds).text)s old)" : "")
            + (parked > 0 ? ", \(parked) parked" : "") + (configured ? "" : ", not configured")
            + (lastError.map { ", last error: \($0)" } ?? "")
    }
}
