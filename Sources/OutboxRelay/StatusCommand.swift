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
            ("unpublished", .int(or: unpublished)), ("order_hold", orderHold?.json ?? .null),
            ("sinks", .array(sinks.map(\.json))), ("waits", .array(waits.map(\.json))),
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
        lines.append("unpublished: \(unpublished.map(String.init) ?? "unknown")")
        lines += waits.map { wait in
            "waiting: \(wait.role) session (pid \(wait.pid)), \(Int(wait.seconds))s, for \(wait.text)"
        }
        if let hold = orderHold {
            let who = hold.gid.map { "prepared transaction \($0)" } ?? "pid \(hold.pid ?? 0)"
            let name = hold.applicationName.map { " (\($0))" } ?? ""
            lines.append("order held: by \(who)\(name) for \(hold.seconds)s; events above id \(hold.aboveID) wait")
        }
        if sinks.isEmpty { lines.append(waits.isEmpty ? "no sink is registered" : "the sinks cannot be read") }
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

extension SessionWait {
    fileprivate var json: JSONText {
        .object([
            ("session", .string(role)), ("pid", .int(Int64(pid))), ("seconds", .number(seconds)),
            ("for", .string(cause)), ("held_by", .array(heldBy.map(\.json))),
        ])
    }
}

extension SessionWait.Holder {
    fileprivate var json: JSONText {
        .object([
            gid.map { ("gid", .string($0)) } ?? ("pid", .int(or: pid.map(Int64.init))),
            ("application_name", .string(or: applicationName)),
        ])
    }
}

extension RelayStatus.Sink {
    fileprivate var json: JSONText {
        .object([
            ("name", .string(name)), ("configured", .bool(configured)),
            ("delivered_through", .int(or: deliveredThrough)), ("lag_events", .int(or: lagEvents)),
            ("lag_seconds", lagSeconds.map { .number($0) } ?? .null), ("parked", .int(or: parked)),
            ("state", .string(state)), ("last_error", .string(or: lastError)),
        ])
    }

    fileprivate var text: String {
        "sink \(name): \(state), \(place)" + (configured ? "" : ", not configured")
            + (lastError.map { ", last error: \($0)" } ?? "")
    }

    private var place: String {
        guard let deliveredThrough, let lagEvents else { return "its position cannot be read" }
        let age = lagSeconds.map { " (the oldest \(JSONText.number($0).text)s old)" } ?? ""
        let parked = parked ?? 0
        return "delivered through \(deliveredThrough), \(lagEvents) events behind" + (lagEvents > 0 ? age : "")
            + (parked > 0 ? ", \(parked) parked" : "")
    }
}
