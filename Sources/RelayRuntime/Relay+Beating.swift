import RelayCore

extension Relay {
    /// Beats at a fifth of the leader timeout, for as long as the lead lasts.
    func startBeating() {
        let term = term
        spawn { relay in
            while await relay.beats(term), !Task.isCancelled {
                await relay.clock.sleep(until: relay.clock.now + relay.settings.leaderTimeout / 5)
            }
        }
    }

    /// One beat; false once the lead is over.
    private func beats(_ term: Int) async -> Bool {
        guard isLeading(term), let sessions = leading?.sessions else { return false }
        let known = known
        let sent = clock.now
        do {
            let beat = try await sessions.watch.beat()
            guard isLeading(term) else { return false }
            leading?.lastBeat = sent
            await checkHistory(beat, known, sessions, term)
            guard isLeading(term) else { return false }
            takePostponed()
        } catch {
            guard term == self.term else { return false }
            endLead(.lost(Self.describe(error)))
        }
        return isLeading(term)
    }

    private func checkHistory(
        _ beat: LeaderBeat, _ known: KnownProgress, _ sessions: any LeaderSessions, _ term: Int
    ) async {
        if beat.epoch != sessions.epoch { return endLead(.lost("another relay leads (epoch \(beat.epoch))")) }
        if let reason = beat.stoppedReason {
            return endLead(.stop(RelayStop(.wentBack, reason)))
        }
        if let travel = known.timeTravel(lastValue: beat.lastValue, sinks: beat.sinks) {
            return await halt(travel, sessions, term)
        }
        follow(beat)
    }

    private func follow(_ beat: LeaderBeat) {
        if beat.brokenSequence != suspendedBy {
            suspendedBy = beat.brokenSequence
            if let reason = beat.brokenSequence { report(.suspended(reason)) } else { report(.resumed) }
            decide([.suspended(beat.brokenSequence)])
        }
        if machine.differs(from: beat.sinks) { decide([.sinksChanged]) }
        if beat.parkedIsRequested { decide([.operatorRequested]) }
        tellUnconfigured(machine.unconfigured.filter { unconfiguredTold.insert($0).inserted })
        unconfiguredTold.formIntersection(machine.unconfigured)
    }

    /// Deliver nothing more, and write down why, so that no standby and no restart goes on either.
    func halt(_ travel: TimeTravel, _ sessions: any LeaderSessions, _ term: Int) async {
        let earlier = suspendedBy
        suspendedBy = travel.reason
        decide([.suspended(travel.reason)])
        do {
            guard try await sessions.watch.writeStop(travel) else {
                suspendedBy = earlier
                decide([.suspended(earlier)])
                return
            }
            endLead(.stop(RelayStop(.wentBack, travel.reason)))
        } catch {
            endLead(.lost(Self.describe(error)))
        }
    }
}
