import PostgresOutbox
import RelayObservability

/// The documents that are served.
extension Sight {
    /// As `outbox-relay status --json`, and behind it when that was read and what this process is.
    package func status() -> JSONText {
        let state = look()
        let relay: [(String, JSONText)] = [
            ("role", .string(state.role.word)), ("reason", .string(or: state.role.reason)),
            ("since", .string(rfc3339(milliseconds: state.since))), ("version", .string(version)),
            ("outbox", .string(or: state.reading?.outbox)),
            ("warnings", .array(Self.warnings(state).map { .string($0) })), ("errors", state.errors.json),
            ("count_limit", .int(SightReading.countLimit)),
        ]
        let more: [(String, JSONText)] = [
            ("read_at", .string(or: state.readAt.map { rfc3339(milliseconds: $0) })),
            ("error", .string(or: state.failure)), ("relay", .object(relay)),
        ]
        return .object((state.reading?.status ?? RelayStatus()).members + more)
    }

    /// Whether this relay is ready, and the document that says so.
    package func readiness() -> (isReady: Bool, document: JSONText) {
        let state = look()
        let reason = unreadiness(state)
        let document: [(String, JSONText)] = [
            ("ready", .bool(reason == nil)), ("reason", .string(or: reason)),
            ("warnings", .array(Self.warnings(state).map { .string($0) })),
        ]
        return (reason == nil, .object(document))
    }

    private func unreadiness(_ state: State) -> String? {
        switch state.role {
        case .starting: "the relay is starting"
        case .waiting(let reason): "waiting: \(oneLine(reason))"
        case .stopping: "the relay is stopping"
        // The leader answers for the lanes.
        case .standby: nil
        case .leading, .competing:
            state.readiness.reason(
                delivered: progress.readings.mapValues(\.delivered), at: clock.monotonic()
            ).map(oneLine)
        }
    }

    /// How the sinks were; see ``History/json(since:)``.
    package func history(since: String? = nil) -> JSONText { look().history.json(since: since) }

    /// What deserves a look and keeps nobody from being ready.
    private static func warnings(_ state: State) -> [String] {
        var warnings = unserved(state).sorted { $0.key < $1.key }.prefix(mostWarnings).map { name, rows in
            let count = rows >= SightReading.countLimit ? "\(rows) rows or more" : rows == 1 ? "1 row" : "\(rows) rows"
            return oneLine(
                "sink \(name) is registered but not configured, and holds \(count) back: configure it, "
                    + "or run outbox-relay sinks remove \(name)")
        }
        if let reason = state.pollingReason { warnings.append(oneLine("polling instead of streaming: \(reason)")) }
        if let stopped = state.reading?.status.stoppedReason { warnings.append(oneLine("stopped: \(stopped)")) }
        if let failure = state.failure { warnings.append("the last reading of the outbox failed: \(failure)") }
        return warnings
    }

    private static let mostWarnings = 20

    /// Sinks that nobody serves, with the rows that they hold back: those that the leader recorded so, but for what this
    /// relay serves itself if it leads and has not recorded it yet.
    static func unserved(_ state: State) -> [String: Int64] {
        let held = state.reading?.heldByUnconfigured ?? [:]
        return state.role == .leading ? held.filter { !state.sinks.contains($0.key) } : held
    }
}
