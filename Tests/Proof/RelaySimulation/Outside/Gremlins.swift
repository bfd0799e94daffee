import RelayCore

/// Lets the planned faults happen, each at its time.
struct Gremlins: Sendable {
    let server: SimulatedServer
    let fleet: Fleet
    let farSides: [FarSide]
    let dice: Dice

    func start() {
        for fault in server.plan.faults {
            server.scheduler.at(fault.time, for: 0) { self.happen(fault) }
        }
        server.scheduler.spawn { await self.keepRetrying() }
    }

    private func happen(_ fault: PlannedFault) {
        switch fault.kind {
        case .killRelay: fleet.kill()
        case .freezeRelay: fleet.freeze(for: fault.duration, withClock: false)
        case .pauseHost: fleet.freeze(for: fault.duration, withClock: true)
        case .cutOffRelay: fleet.cutOff(for: fault.duration)
        case .stopRelay: fleet.stop()
        case .endBackend: if let backend = dice.one(of: server.backends) { end(backend) }
        case .endStream: if let backend = server.backends.last(where: { $0.slot != nil }) { end(backend) }
        case .crashServer: server.scheduler.spawn { await server.crash() }
        case .failOver: server.scheduler.spawn { await server.failOver() }
        case .standbyHangs: hangStandby(fault.duration)
        case .lockRow: lockRow(fault.duration)
        case .outage: upset(.outage, fault.duration)
        case .failAfterWrite: upset(.failAfterWrite, fault.duration)
        case .holdResponse: upset(.holdResponse, fault.duration)
        case .respondSlowly: upset(.respondSlowly, fault.duration)
        case .reject: reject(fault.duration)
        case .refuseToOpen: refuseToOpen(fault.duration)
        }
    }

    // MARK: - The server

    private func end(_ backend: Backend) {
        server.trace("server: ends backend \(backend.pid) of relay \(backend.process.number)")
        server.end(backend)
    }

    private func hangStandby(_ duration: Int64) {
        server.trace("the standby hangs")
        server.standbyHangs = true
        server.scheduler.at(server.scheduler.now + duration, for: 0) { server.standbyHangs = false }
    }

    private func lockRow(_ duration: Int64) {
        let free = server.tables.unpublished.ids.filter { server.rowLocks[$0] == nil }
        guard let id = dice.one(of: free) else { return }
        server.trace("an operator locks \(id)")
        server.rowLocks[id] = 0
        server.scheduler.at(server.scheduler.now + duration, for: 0) {
            if server.rowLocks[id] == 0 { server.rowLocks[id] = nil }
        }
    }

    // MARK: - Sinks

    private func upset(_ mood: FarSide.Mood, _ duration: Int64) {
        guard let side = dice.one(of: farSides) else { return }
        side.mood = mood
        server.scheduler.at(server.scheduler.now + duration, for: 0) {
            if side.mood == mood { side.mood = .well }
        }
    }

    private func reject(_ duration: Int64) {
        guard let side = dice.one(of: farSides) else { return }
        side.rejects = 200
        server.scheduler.at(server.scheduler.now + duration, for: 0) {
            side.rejects = 0
            side.rejected = []
        }
    }

    private func refuseToOpen(_ duration: Int64) {
        guard let side = dice.one(of: farSides) else { return }
        side.refusesToOpen = true
        server.scheduler.at(server.scheduler.now + duration, for: 0) { side.refusesToOpen = false }
    }

    /// Somebody asks now and then for what is parked to be tried again.
    private func keepRetrying() async {
        while !server.scheduler.isOver {
            await server.scheduler.pause(dice.number(Int64(200_000)...1_500_000))
            guard server.isUp, server.tables.parked.contains(where: { !$0.isRequested }) else { continue }
            let change = Change { tables in
                for index in tables.parked.indices { tables.parked[index].isRequested = true }
            }
            server.trace("somebody wants \(server.tables.parkedSummary) tried again")
            try? await server.commit(change, in: server.incarnation, waits: false)
        }
    }
}
