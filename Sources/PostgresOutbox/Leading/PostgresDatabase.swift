import DedicatedThreads
import Libpq
import RelayCore

/// What this process is to the database, and how it behaves towards it.
package struct PostgresSettings: Sendable {
    package var target: ConnectionTarget
    package var source: String
    package var leaderTimeout: Duration
    package var configuredSinks: [String]
    /// Of these, the ones for which later events of a parked key are parked too.
    package var parkingByKey: [String]
    package var memory: Int
    package var maxSlotWAL: Int
    package var host: String
    /// End, as drained, once the leader has brought everything to the configured sinks.
    package var untilDrained: Bool
    /// Its leader deletes what was published.
    package var purges: Bool
    /// Give up when the database has not been reached for so long; nil: never.
    package var reachWithin: Duration?
    /// The loop on which the sessions live; nil: each on a thread of its own.
    package var thread: DedicatedThread?

    package init(
        target: ConnectionTarget, source: String, leaderTimeout: Duration, configuredSinks: [String],
        parkingByKey: [String] = [], memory: Int, maxSlotWAL: Int, host: String, untilDrained: Bool,
        purges: Bool = false, reachWithin: Duration?, thread: DedicatedThread? = nil
    ) {
        self.target = target
        self.source = source
        self.leaderTimeout = leaderTimeout
        self.configuredSinks = configuredSinks
        self.parkingByKey = parkingByKey
        self.memory = memory
        self.maxSlotWAL = maxSlotWAL
        self.host = host
        self.untilDrained = untilDrained
        self.purges = purges
        self.reachWithin = reachWithin
        self.thread = thread
    }

    /// Sleeps on the sessions' loop; returns early where the task is cancelled.
    func sleep(for duration: Duration) async {
        guard let thread else { return _ = try? await Task.sleep(for: duration) }
        await thread.sleep(until: .now + duration)
    }
}

/// The database: waits for the lead as one of several relays, and takes it over.
package actor PostgresDatabase: OutboxDatabase {
    private var settings: PostgresSettings
    private let patience: Patience
    /// The outbox that this process serves, as it was found first.
    private var served: OutboxSchema?
    /// What a further session was last seen to wait for while this one takes over.
    private var seenWait: SessionWait?
    /// The tries to take over since this process led last.
    private var tries = TakeOverTries()
    /// What the database was in this process's last lead: what it handed over and has not settled, it handed over then.
    private var history: DatabaseHistory?

    package init(_ settings: PostgresSettings) {
        self.settings = settings
        patience = Patience(limit: settings.reachWithin)
    }

    /// Other sinks are served from the next lead on. To be called where no lead lasts.
    ///
    /// What this process has begun with stays: it is no start, and nothing that the database has become ends it.
    package func serve(_ sinks: [String], parkingByKey: [String]) {
        settings.configuredSinks = sinks
        settings.parkingByKey = parkingByKey
        // The lanes of whoever leads next are new ones.
        tries = TakeOverTries()
    }

    package func lead(
        known: KnownProgress, lastEpoch: Int64, unsettled: [DeliveredRow],
        report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> LeadOutcome {
        try await patience.wait(report) {
            try await self.leadOnce(known, lastEpoch, unsettled, report)
        }
    }

    /// Opens a session, waits for the lock and takes over.
    private func leadOnce(
        _ known: KnownProgress, _ lastEpoch: Int64, _ unsettled: [DeliveredRow],
        _ report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> LeadOutcome {
        let session = try await openSession(
            settings.target, on: settings.thread, role: .standby,
            timeouts: .standard(for: .standby, leaderTimeout: settings.leaderTimeout), timeout: .seconds(5))
        let leader = LeaderSession(session, host: settings.host, limit: settings.leaderTimeout)
        do {
            try await inspect(session, leader)
            guard try await waitForLock(leader, known, unsettled, report) else {
                await leader.close()
                return .drained
            }
            try await session.rename(.leader, settings.target)
            let succession = try await takeOver(leader, report)
            let nobodyElseLed = tries.begin(with: leader.mark, succession, lastEpoch: lastEpoch)
            try await leader.commitEpoch(succession)
            try await refuseTimeTravel(leader, known, unsettled)
            if succession.serverIsNew {
                await patience.tell(.historyCheck, report)
                try await waitOut(leader, known)
            }
            try await leader.recordServer()
            return .leads(try await openTenure(leader, succession, keepsLanes: nobodyElseLed, known, report))
        } catch let change as OutboxChanged {
            await leader.close()
            // A new session finds out what there is now.
            throw Refusal(.configuration, check: "table", problem: change.description, remedy: "")
        } catch {
            await leader.close()
            throw error
        }
    }

    /// Refuses what breaks a promise. Once this process has begun with an outbox it waits for what it then needs, as for a
    /// server, and serves no other.
    private func inspect(_ session: Session, _ leader: LeaderSession) async throws {
        guard await patience.hasBegun else {
            if let refusal = try await refusals(on: session, purging: settings.purges).first {
                throw try await stopped(refusal, leader)
            }
            served = session.schema
            return await patience.begin()
        }
        if let served, served.schema != session.schema.schema {
            throw Refusal(
                .configuration, check: "table",
                problem:
                    "the search path \(session.schema.searchPath) now finds \(session.schema.table.shown), and this"
                    + " relay serves \(served.table.shown)",
                remedy: "correct the role's search_path, or restart the relay to serve the other table")
        }
        if let refusal = try await Inspector(session).shapeRefusal() { throw refusal }
    }

    // MARK: - Standing by

    /// Whether this process has the lock; if not, it is not needed: everything is drained.
    private func waitForLock(
        _ leader: LeaderSession, _ known: KnownProgress, _ unsettled: [DeliveredRow],
        _ report: @Sendable (WaitingReport) -> Void
    ) async throws -> Bool {
        // Once for each connection: behind this one may be another server.
        try await refuseTimeTravel(leader, known, unsettled)
        let drain = DrainWatch(settings, leader)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            var isWatched = !settings.untilDrained
            while true {
                try Task.checkCancellation()
                try await refuseTimeTravel(leader, known, [])
                if try await leader.tryLock() { return true }
                if await !patience.saysStandby {
                    await patience.tell(.standby(pid: try await leader.holderOfLock()), report)
                }
                if !isWatched { group.addTask { await drain.run() } }
                isWatched = true
                if await drain.isDrained { return false }
                await settings.sleep(for: .milliseconds(250))
            }
        }
    }

    /// A refusal at start. A database that went back is stopped for everybody, until `resume`.
    private func stopped(_ refusal: Refusal, _ leader: LeaderSession) async throws -> any Error {
        guard refusal.check == "went_back" else { return refusal }
        let isStill = Statement(StoredCursors.above(leader.session.schema.sequence))
        _ = try await leader.writeStop(refusal.problem, condition: isStill)
        return RelayStop(.wentBack, refusal.message)
    }

    /// Every process checks by what it knows itself, in whatever role.
    private func refuseTimeTravel(_ leader: LeaderSession, _ known: KnownProgress, _ unsettled: [DeliveredRow])
        async throws
    {
        let beat = try await leader.beat()
        if let reason = beat.stoppedReason { throw RelayStop(.wentBack, reason) }
        var travel = known.timeTravel(lastValue: beat.lastValue, sinks: beat.sinks)
        if travel == nil {
            let lowest = beat.sinks.values.map(\.cursor).min() ?? 0
            travel = try await leader.changedRow(unsettled, known: history, settledThrough: lowest)
        }
        guard let travel else { return }
        if try await leader.writeStop(travel.reason, condition: travel.condition(unsettled, leader.session.schema)) {
            throw RelayStop(.wentBack, travel.reason)
        }
    }

    // MARK: - Taking over

    private func takeOver(
        _ leader: LeaderSession, _ report: @Sendable (WaitingReport) -> Void
    ) async throws -> Succession {
        let started = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            let lingering = try await leader.endPredecessors()
            if let first = lingering.first {
                if ContinuousClock.now - started > .seconds(1) {
                    await patience.tell(.predecessor(pid: first.pid, role: first.role), report)
                }
            } else if let succession = try await leader.raiseEpoch() {
                return succession
            } else if let reason = try await leader.beat().stoppedReason {
                throw RelayStop(.wentBack, reason)
            }
            await settings.sleep(for: .milliseconds(10))
        }
    }

    /// After a restart or a promotion of the server every living process must have checked before anything is sent.
    private func waitOut(_ leader: LeaderSession, _ known: KnownProgress) async throws {
        let end = ContinuousClock.now + settings.leaderTimeout
        while ContinuousClock.now < end {
            await settings.sleep(for: settings.leaderTimeout / 5)
            try Task.checkCancellation()
            try await refuseTimeTravel(leader, known, [])
        }
    }

    private func openTenure(
        _ leader: LeaderSession, _ succession: Succession, keepsLanes: Bool, _ known: KnownProgress,
        _ report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> any LeaderSessions {
        let work = try await leader.openFurther(.work, settings)
        do {
            let (stored, parkedKeys, history) = try await beating(leader, known, report) {
                try await self.register(on: work)
                return (
                    try await OpeningState.read(work, epoch: succession.epoch), try await self.parkedKeys(on: work),
                    try await work.history()
                )
            }
            self.history = history
            return PostgresLeaderSessions(
                leader: leader,
                work: WorkSession(
                    work, epoch: succession.epoch, history: history, source: settings.source,
                    parkingByKey: settings.parkingByKey),
                settings: settings, epoch: succession.epoch,
                opened: OpenedSessions(
                    sinks: stored.sinks, owed: stored.owed, keepsLanes: keepsLanes,
                    publishedAboveCursors: stored.publishedAbove, parkedKeys: parkedKeys))
        } catch {
            await work.connection.close()
            throw error
        }
    }

    /// Beats while the work session does what may take its time: a leader session that is silent for so long loses the lock.
    /// What the work session waits for on the server is told.
    private func beating<Value: Sendable>(
        _ leader: LeaderSession, _ known: KnownProgress, _ report: @escaping @Sendable (WaitingReport) -> Void,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        seenWait = nil
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await self.naming(work) }
            group.addTask {
                while true {
                    await self.settings.sleep(for: self.settings.leaderTimeout / 5)
                    try Task.checkCancellation()
                    // To its end: a beat that is cancelled half way would leave its cancellation to the next statement.
                    try await Task { try await self.beatOnce(leader, known, report) }.value
                }
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    private func beatOnce(
        _ leader: LeaderSession, _ known: KnownProgress, _ report: @Sendable (WaitingReport) -> Void
    ) async throws {
        try await refuseTimeTravel(leader, known, [])
        seenWait = try await leader.waits().first
        if let wait = seenWait, wait.seconds > 1 { await patience.tell(.database(wait.refusal.message), report) }
    }

    /// Where a lock was waited for too long, says whose it is: the beats have seen it.
    private func naming<Value>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch {
            let mayBeOfLock =
                (error as? Refusal)?.kind == .unreachable || (error as? PostgresError)?.sqlState == "55P03"
            guard mayBeOfLock, let wait = seenWait, !wait.heldBy.isEmpty else { throw error }
            throw wait.refusal
        }
    }

    private func parkedKeys(on session: Session) async throws -> [String: [EventKey: Int64]] {
        try await ParkedKeys.read(of: settings.parkingByKey, on: session.connection)
    }

    /// Registers the configured sinks that are not, to begin at the oldest unpublished event.
    private func register(on session: Session) async throws {
        let administrator = SinkAdministrator(session)
        let known = Set(try await administrator.list().map(\.name))
        for name in settings.configuredSinks where !known.contains(name) {
            do {
                _ = try await administrator.perform(.add(name: name, from: .oldest))
            } catch {
                // An administrator was quicker.
                guard error.kind == .wrongRequest else { throw error }
            }
        }
    }
}
