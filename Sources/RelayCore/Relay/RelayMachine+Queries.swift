/// What others may ask of the machine without changing it.
extension RelayMachine {
    /// Rows that left, or are about to with what a sink holds now, and are not settled; ascending by lane.
    package var unsettled: [DeliveredRow] { lanes.flatMap(\.leftRows) }

    /// The stored sinks are not those that the lanes were made of.
    package func differs(from stored: [String: LeaderBeat.StoredCursor]) -> Bool {
        let known = lanes.map(\.registration) + others
        return known.count != stored.count || known.contains { stored[$0.name]?.generation != $0.generation }
    }

    /// Registered sinks that this relay is not configured with, and that hold publishing back.
    package var unconfigured: [String] {
        others.filter { !configured.contains($0.name) && !$0.isRemoving }.map(\.name)
    }

    /// Whether some sink that takes events reads what it lacks from the table.
    package var isCatchingUp: Bool {
        lanes.any { $0.isConfigured && !$0.isOnTail && $0.reportedHealth == .well }
    }

    /// Whether this still holds deliveries or settling back.
    package func isHeld(by hold: OrderHold) -> Bool {
        for open in [tenure?.gap?.hold, tenure?.startHold] {
            if let open, open.isNamed, open.since == hold.since { return true }
        }
        return tenure?.turns.settling.awaitedRow.map { hold.cause == .lockedRow($0) } ?? false
    }

    package func status(mode: String, orderHold: String?) -> LeaderStatus {
        var sinks: [LeaderStatus.SinkState] = []
        for lane in lanes where lane.isConfigured {
            sinks.append(
                LeaderStatus.SinkState(
                    name: lane.name, isConfigured: true, state: lane.stateName, lastError: lane.lastError))
        }
        for other in others {
            let isConfigured = configured.contains(other.name)
            sinks.append(
                LeaderStatus.SinkState(
                    name: other.name, isConfigured: isConfigured, state: isConfigured ? "catching-up" : "stopped",
                    lastError: nil))
        }
        return LeaderStatus(mode: mode, isStreaming: ringsForAll, orderHold: orderHold, sinks: sinks)
    }
}

extension Lane {
    fileprivate var stateName: String {
        switch reportedHealth {
        case .retrying: "retrying"
        case .blocked: "blocked"
        case .closed: "stopped"
        case .well: isOnTail ? "live" : "catching-up"
        }
    }

    fileprivate var lastError: String? {
        switch reportedHealth {
        case .retrying(_, _, let reason), .blocked(_, _, let reason), .closed(let reason): reason
        case .well: nil
        }
    }
}
