import PostgresOutbox
import RelayObservability

/// The status for people: who leads, what keeps the relay from working, and a table of the sinks.
extension RelayStatus {
    var lines: [StyledLine] {
        var lines = [leaderLine]
        if let stoppedReason { lines.append(StyledLine(oneLine("stopped: \(stoppedReason)"), .bad)) }
        lines.append(StyledLine("unpublished: \(unpublished.map(Self.counted) ?? "unknown")"))
        lines += waits.map { wait in
            StyledLine(
                oneLine("waiting: \(wait.role) session (pid \(wait.pid)), \(Int(wait.seconds))s, for \(wait.text)"),
                .warning)
        }
        if let orderHold { lines.append(StyledLine(oneLine(orderHold.sentence), .warning)) }
        lines.append(StyledLine())
        guard !sinks.isEmpty else {
            return lines + [StyledLine(waits.isEmpty ? "no sink is registered" : "the sinks cannot be read")]
        }
        return lines + table.lines + sinks.filter { !$0.configured }.map(\.forgottenLine)
    }

    private var leaderLine: StyledLine {
        guard let leader else { return StyledLine("leader: none", .warning) }
        let place = leader.host.map { " on \($0)" } ?? ""
        let since = leader.since.map { " since \($0)" } ?? ""
        let mode = "mode \(mode ?? "unknown")" + (streaming ? ", streaming" : ", not streaming")
        return StyledLine(oneLine("leader: pid \(leader.pid)\(place)\(since), \(mode)"))
    }

    private var table: TextTable {
        var table = TextTable([
            .init(title: "SINK"), .init(title: "STATE"), .init(title: "DELIVERED THROUGH", isNumber: true),
            .init(title: "BEHIND", isNumber: true), .init(title: "OLDEST", isNumber: true),
            .init(title: "PARKED", isNumber: true), .init(title: "LAST ERROR"),
        ])
        for sink in sinks { table.append(sink.cells) }
        return table
    }

    /// A count, which may have stopped at its limit.
    static func counted(_ count: Int64) -> String { count < countLimit ? "\(count)" : "\(countLimit) or more" }
}

extension RelayStatus.OrderHold {
    fileprivate var sentence: String {
        if let row, !row.isUnreadable { return "order held: event \(row.id) is not delivered: \(row.reason)" }
        if let row {
            return
                "order held: event \(row.id) cannot be read (\(row.reason)); later events wait; fix or delete its row"
        }
        let who = gid.map { "prepared transaction \($0)" } ?? pid.map { "pid \($0)" } ?? "an unknown session"
        let name = applicationName.map { " (\($0))" } ?? ""
        return "order held: by \(who)\(name) for \(seconds)s; events above id \(aboveID) wait"
    }
}

extension RelayStatus.Sink {
    fileprivate var cells: [TextTable.Cell] {
        // Where there is nothing behind, nothing has an age.
        let isBehind = (lagEvents ?? 0) > 0
        let age = isBehind ? lagSeconds.map { ShownQuantity.duration(seconds: $0) } ?? "?" : "-"
        return [
            .init(text: oneLine(name)), .init(text: oneLine(state), style: style),
            .init(text: deliveredThrough.map(String.init) ?? "?"),
            .init(text: lagEvents.map(RelayStatus.counted) ?? "?"), .init(text: lagEvents == nil ? "?" : age),
            .init(text: parked.map(RelayStatus.counted) ?? "?", style: (parked ?? 0) > 0 ? .warning : .plain),
            .init(text: lastError.map(oneLine) ?? "-"),
        ]
    }

    private var style: TextStyle {
        switch state {
        case "live": .good
        case "catching-up", "retrying": .warning
        default: .bad
        }
    }

    /// What a sink that nobody serves costs, and how to let go of it.
    fileprivate var forgottenLine: StyledLine {
        let held =
            switch lagEvents {
            case nil, 0: "events that it has not received stay unpublished"
            case 1: "1 event stays unpublished for it"
            case let count?: "\(RelayStatus.counted(count)) events stay unpublished for it"
            }
        return StyledLine(
            oneLine(
                "sink \(name) is registered but not configured: \(held); "
                    + "configure it, or let go of them: outbox-relay sinks remove \(name)"), .bad)
    }
}
