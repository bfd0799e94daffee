import RelayCore

/// The simulated server as one relay's process reaches it: waits for the lead and takes it over, step by step as
/// `PostgresDatabase` does.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedDatabase: OutboxDatabase, @unchecked Sendable {
    let server: SimulatedServer
    let process: SimulatedProcess
    private var tries = TakeOverTries()
    /// What the database was in this process's last lead.
    private var history: DatabaseHistory?
    private var plan: Plan { server.plan }

    init(_ server: SimulatedServer, _ process: SimulatedProcess) {
        (self.server, self.process) = (server, process)
    }

    func lead(
        known: KnownProgress, lastEpoch: Int64, unsettled: [DeliveredRow],
        report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> LeadOutcome {
        while true {
            do {
                return .leads(try await leadOnce(known, lastEpoch, unsettled, report))
            } catch let stop as RelayStop {
                throw stop
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                report(.database(String(describing: error)))
                guard process.isAlive else { throw RelayStop(.unexpected, "the process is gone") }
                try Task.checkCancellation()
                await process.clock.sleep(until: process.milliseconds + 100)
            }
        }
    }

    private func leadOnce(
        _ known: KnownProgress, _ lastEpoch: Int64, _ unsettled: [DeliveredRow],
        _ report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> any LeaderSessions {
        let leader = LeaderLink(try await Link.open(server, process))
        do {
            try await waitForLock(leader, known, unsettled, report)
            let succession = try await takeOver(leader)
            let nobodyElseLed = tries.begin(with: leader.mark, succession, lastEpoch: lastEpoch)
            try await leader.commitEpoch(succession)
            try await judge(leader, known, unsettled)
            if succession.serverIsNew { try await waitOut(leader, known) }
            try await leader.recordServer()
            return try await openTenure(leader, keepsLanes: nobodyElseLed)
        } catch {
            leader.link.close()
            throw error
        }
    }

    private func waitForLock(
        _ leader: LeaderLink, _ known: KnownProgress, _ unsettled: [DeliveredRow],
        _ report: @Sendable (WaitingReport) -> Void
    ) async throws {
        var hasReported = false
        try await judge(leader, known, unsettled)
        while true {
            try Task.checkCancellation()
            try await judge(leader, known, [])
            if try await leader.tryLock() { return }
            if !hasReported { report(.standby(pid: nil)) }
            hasReported = true
            await process.clock.sleep(until: process.milliseconds + 250)
        }
    }

    private func judge(_ leader: LeaderLink, _ known: KnownProgress, _ unsettled: [DeliveredRow]) async throws {
        let beat = try await leader.beat()
        if let reason = beat.stoppedReason { throw RelayStop(.wentBack, reason) }
        var travel = known.timeTravel(lastValue: beat.lastValue, sinks: beat.sinks)
        if travel == nil, let history {
            let lowest = beat.sinks.values.map(\.cursor).min() ?? 0
            travel = try await leader.changedRow(unsettled, known: history, closedThrough: lowest)
        }
        guard let travel else { return }
        if try await leader.writeStop(travel, unsettled) {
            throw RelayStop(.wentBack, travel.reason)
        }
    }

    private func takeOver(_ leader: LeaderLink) async throws -> Succession {
        while true {
            try Task.checkCancellation()
            if try await leader.endPredecessors() {
                if let succession = try await leader.raiseEpoch() { return succession }
                if let reason = try await leader.beat().stoppedReason {
                    throw RelayStop(.wentBack, reason)
                }
            }
            await process.clock.sleep(until: process.milliseconds + 10)
        }
    }

    /// After a restart or a promotion of the server every living process must have judged before anything is sent.
    private func waitOut(_ leader: LeaderLink, _ known: KnownProgress) async throws {
        let end = process.milliseconds + plan.leaderTimeout
        while process.milliseconds < end {
            await process.clock.sleep(until: process.milliseconds + plan.leaderTimeout / 5)
            try await judge(leader, known, [])
        }
    }

    private func openTenure(_ leader: LeaderLink, keepsLanes: Bool) async throws -> any LeaderSessions {
        let work = try await leader.openFurther(.work)
        do {
            try await register(on: work)
            let (server, here) = (server, try await work.run { [server] _ in server.history })
            history = here
            var opened = try await leader.storedState()
            opened.keepsLanes = keepsLanes
            let sessions = SimulatedSessions(leader: leader, work: work, history: here, opened: opened)
            server.judge.leads(process, opened)
            server.trace("relay \(process.number): leads in epoch \(sessions.epoch)\(keepsLanes ? ", as before" : "")")
            return sessions
        } catch {
            work.close()
            throw error
        }
    }

    /// Registers the configured sinks that are not, to begin at the oldest unpublished event.
    private func register(on work: Link) async throws {
        let (server, names) = (server, plan.sinks.map(\.name))
        try await work.run { backend in
            for name in names where !server.tables.sinks.contains(where: { $0.name == name }) {
                do {
                    try await server.administer(.add(name: name, from: .oldest), isByHand: false) { !backend.isAlive }
                } catch is SinkAdministrationRefusal {
                    // An administrator was quicker.
                }
                try backend.check()
            }
        }
    }
}
