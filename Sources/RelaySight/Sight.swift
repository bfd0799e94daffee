import Libpq
import PostgresOutbox
import RelayObservability
import Synchronization

/// What this process shows of itself and of its outbox, as far as it knows: kept in memory, so that whoever looks asks no
/// database and waits for nothing.
package final class Sight: Sendable {
    struct State: Sendable {
        var role = RelayRole.starting
        /// Since when, in milliseconds since the Unix epoch; another reason to wait is no other role.
        var since: Int64
        /// The configured sinks.
        var sinks: [String]
        var reading: SightReading?
        /// When it was read, in milliseconds since the Unix epoch.
        var readAt: Int64?
        /// Why the last reading failed, if it did.
        var failure: String?
        /// Why this relay polls, if it leads in WAL mode and has no stream.
        var pollingReason: String?
        var errors = RecentErrors()
        var readiness = Readiness()
        var history = History()
        /// Rows that this process found to be unreadable and that some sink has not got past.
        var unreadable: Set<Int64> = []
    }

    package let version: String
    /// Whether it is configured to be told of new rows by the WAL.
    package let isWALMode: Bool
    /// What the sinks of this process tell of their deliveries.
    package let progress = DeliveryProgress()
    let clock: SightClock
    private let state: Mutex<State>

    /// How many unreadable rows are remembered.
    private static let mostUnreadable = 1000
    /// For how long the last error of a sink explains why it makes no progress, in milliseconds.
    private static let errorsCount: Int64 = 120_000

    /// - Parameters:
    ///   - version: of the program.
    ///   - sinks: the names of the configured ones.
    package init(version: String, isWALMode: Bool = false, sinks: [String], clock: SightClock = .system) {
        self.version = version
        self.isWALMode = isWALMode
        self.clock = clock
        state = Mutex(State(since: clock.wall(), sinks: sinks))
    }

    /// The state of this moment.
    func look() -> State { state.withLock { $0 } }

    // MARK: - What the relay tells

    package func become(_ role: RelayRole) {
        let at = clock.wall()
        state.withLock { state in
            if role.word != state.role.word {
                state.since = at
                // Whoever comes to lead has a minute to bring the lanes on.
                state.readiness = Readiness()
                state.unreadable = []
                state.pollingReason = nil
            }
            state.role = role
        }
    }

    /// Other sinks are configured from now on; each of them has a minute to be brought on.
    package func serve(_ sinks: [String]) {
        progress.keep(Set(sinks))
        state.withLock { state in
            state.sinks = sinks
            state.readiness = Readiness()
        }
    }

    /// - Parameters:
    ///   - sink: whose error it is; nil where it is the relay's own.
    ///   - event: the id of the event that it is about, if it is about one.
    package func noteError(_ text: String, sink: String? = nil, event: Int64? = nil) {
        let at = clock.wall()
        state.withLock { $0.errors.note(text, sink: sink, event: event, at: at) }
    }

    /// The relay polls for want of a stream.
    ///
    /// - Parameter reason: nil where it streams again.
    package func notePolling(_ reason: String?) { state.withLock { $0.pollingReason = reason } }

    /// A row cannot be read, and those above it wait.
    package func noteUnreadable(_ id: Int64) {
        state.withLock { state in
            if state.unreadable.count < Self.mostUnreadable { state.unreadable.insert(id) }
        }
    }

    // MARK: - What the reader reads

    package func take(_ reading: Result<SightReading, any Error>) {
        let (now, at) = (clock.monotonic(), clock.wall())
        let delivered = progress.readings.mapValues(\.delivered)
        state.withLock { state in
            switch reading {
            case .failure(let error): state.failure = Self.words(error)
            case .success(let reading):
                state.reading = reading
                state.readAt = at
                state.failure = nil
                state.readiness.observe(Self.lanes(state, reading, delivered, at: at), at: now)
                state.history.add(Self.numbers(state, reading, delivered), time: now, at: at)
                // Every sink is past them: they were fixed, or deleted.
                let behind = reading.status.sinks.filter(\.configured).compactMap(\.deliveredThrough).min()
                if let behind { state.unreadable = state.unreadable.filter { $0 > behind } }
            }
        }
    }

    /// No text of an error that is not ours is shown: it may hold anything.
    private static func words(_ error: any Error) -> String {
        switch error {
        case let refusal as Refusal: oneLine(refusal.message)
        case let error as PostgresError: oneLine(Refusal(error).message)
        case let failure as ReadingFailure: failure.message
        default: "the outbox could not be read (\(type(of: error)))"
        }
    }

    /// The lanes that this process answers for. Where relays compete nothing is registered: the work of the one sink is
    /// whatever is unpublished.
    private static func lanes(
        _ state: State, _ reading: SightReading, _ delivered: [String: Int64], at: Int64
    ) -> [Readiness.Lane] {
        let status = reading.status
        func trouble(_ sink: String, _ lastError: String?) -> String? {
            lastError ?? status.orderHold?.words ?? state.errors.latest(of: sink, since: at - errorsCount)
        }
        switch state.role {
        case .leading:
            return status.sinks.filter { state.sinks.contains($0.name) }.map { sink in
                Readiness.Lane(
                    name: sink.name, lagEvents: sink.lagEvents, deliveredThrough: sink.deliveredThrough,
                    parked: sink.parked, delivered: delivered[sink.name] ?? 0,
                    trouble: trouble(sink.name, sink.lastError))
            }
        case .competing:
            return state.sinks.map { sink in
                Readiness.Lane(
                    name: sink, lagEvents: status.unpublished, delivered: delivered[sink] ?? 0,
                    trouble: trouble(sink, nil))
            }
        case .starting, .waiting, .standby, .stopping:
            return []
        }
    }

    private static func numbers(
        _ state: State, _ reading: SightReading, _ delivered: [String: Int64]
    ) -> [String: History.Numbers] {
        var numbers: [String: History.Numbers] = [:]
        for sink in reading.status.sinks {
            numbers[sink.name] = History.Numbers(
                lagEvents: sink.lagEvents, lagSeconds: sink.lagSeconds, delivered: delivered[sink.name] ?? 0)
        }
        guard state.role == .competing else { return numbers }
        for sink in state.sinks {
            numbers[sink] = History.Numbers(
                lagEvents: reading.status.unpublished, lagSeconds: nil, delivered: delivered[sink] ?? 0)
        }
        return numbers
    }
}

extension RelayStatus.OrderHold {
    /// `the order is held back by pid 4711 (psql)`
    fileprivate var words: String {
        let name = applicationName.map { $0.isEmpty ? "" : " (\($0))" } ?? ""
        if let row { return "event \(row.id) \(row.isUnreadable ? "cannot be read" : "is held"): \(row.reason)" }
        if let gid { return "the order is held back by prepared transaction \(gid)" }
        if let pid { return "the order is held back by pid \(pid)\(name)" }
        return "the order is held back above id \(aboveID)"
    }
}
