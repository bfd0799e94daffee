import RelayCore

/// Retention: the leader purges what was published longer ago than is to be kept.
extension Relay {
    /// Purges for as long as the lead lasts, where rows are not to be kept for ever.
    func startPurging() {
        guard let age = settings.keepPublished, let sessions = leading?.sessions else { return }
        let term = term
        spawn { relay in
            var pause = Retention.firstPause
            while relay.isLeading(term) {
                await relay.clock.sleep(until: relay.clock.now + pause)
                guard relay.isLeading(term), !Task.isCancelled else { return }
                pause = await relay.purgePage(olderThan: age, sessions, term)
            }
        }
    }

    /// One page; gives how long to wait for the next.
    private func purgePage(olderThan age: Int64, _ sessions: any LeaderSessions, _ term: Int) async -> Int64 {
        let began = clock.now
        do {
            let page = try await sessions.purgePage(olderThan: age)
            let now = clock.now
            let next = retention.purged(page, took: now - began, isBehind: machine.isCatchingUp, at: now)
            if let summary = next.summary { report(.purged(summary)) }
            return next.pause
        } catch {
            // With the lead end its sessions: no failure.
            guard isLeading(term) else { return Retention.idlePause }
            tellFailure("purging published events", error)
            return retention.failed()
        }
    }
}
