import RelayCore
import RelayRuntime

/// The relays, each in a process of its own, and whoever starts them again.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Fleet: @unchecked Sendable {
    private struct Place {
        var process: SimulatedProcess
        var relay: SimulatedRelay
    }

    private let server: SimulatedServer
    private let farSides: [FarSide]
    private let dice: Dice
    private var plan: Plan { server.plan }
    private var places: [Int: Place] = [:]
    private var nextProcess = 1
    /// The relays are stopped, or about to be, until an administrator has looked.
    private(set) var awaitsResume = false
    private var isResuming = false
    /// How often the relays stopped because the database had gone back.
    private(set) var stops = 0
    /// The most that a relay ever held, in bytes.
    private(set) var mostBytes = 0

    init(_ server: SimulatedServer, _ farSides: [FarSide], _ dice: Dice) {
        (self.server, self.farSides, self.dice) = (server, farSides, dice)
    }

    func start() {
        for place in 0..<plan.relays { start(place) }
    }

    private func start(_ place: Int) {
        guard !server.scheduler.isOver, places[place] == nil, !awaitsResume else { return }
        let server = server
        let process = SimulatedProcess(nextProcess, server.scheduler)
        nextProcess += 1
        let sinks = plan.sinks.enumerated().map { SimulatedSink($1, farSides[$0], server, process) }
        var lanes: [String: LanePolicy] = [:]
        for sink in plan.sinks { lanes[sink.name] = sink.lane }
        let settings = RelaySettings(
            policy: plan.policy, lanes: lanes, leaderTimeout: plan.leaderTimeout, shutdownTimeout: 1500,
            modeName: plan.policy.usesStream ? "wal" : "poll", seed: dice.seed())
        let relay = SimulatedRelay(settings, server, process, sinks)
        places[place] = Place(process: process, relay: relay)
        server.trace("relay \(process.number): starts")
        server.scheduler.on(behalfOf: process.number) {
            _ = Task {
                let exit = await relay.run()
                server.scheduler.on(behalfOf: 0) { self.ended(place, process, exit) }
            }
        }
    }

    private func ended(_ place: Int, _ process: SimulatedProcess, _ exit: RelayExit) {
        guard places[place]?.process === process else { return }
        server.trace("relay \(process.number): ends, \(exit)")
        process.kill()
        remove(place)
        if case .stop(let stop) = exit, stop.wentBack { awaitsResume = true }
        replace(place)
    }

    /// Another process takes the place; once all have ended that were stopped, whichever way, an administrator looks first.
    private func replace(_ place: Int) {
        if awaitsResume, places.isEmpty { resume() } else { restart(place) }
    }

    private func remove(_ place: Int) {
        guard let gone = places.removeValue(forKey: place) else { return }
        server.judge.isGone(gone.process)
    }

    private func restart(_ place: Int) {
        server.scheduler.at(server.scheduler.now + dice.number(Int64(5000)...700_000), for: 0) { [self] in start(place)
        }
    }

    /// An administrator fixes what the message names, lets the relays go on, and starts them.
    private func resume() {
        stops += 1
        isResuming = true
        server.scheduler.spawn { [self] in
            while server.tables.leader.stoppedReason != nil, !server.scheduler.isOver {
                await server.scheduler.pause(300_000)
                guard server.isUp else { continue }
                server.restartSequence(after: server.judge.highestSent)
                try? await server.commit(Change { $0.leader.stoppedReason = nil }, in: server.incarnation)
            }
            goOn()
        }
    }

    private func goOn() {
        server.trace("an administrator resumes")
        isResuming = false
        awaitsResume = false
        server.judge.resumed()
        for place in 0..<plan.relays { start(place) }
    }

    /// A failover may take back the stop itself: the administrator, who has read of it, does the same, and need not say
    /// that relays may go on.
    private func lookAfterLostStop() {
        guard awaitsResume, !isResuming, server.isUp, server.tables.leader.stoppedReason == nil else { return }
        server.restartSequence(after: server.judge.highestSent)
        goOn()
    }

    // MARK: - Faults

    /// The leading relay, mostly, or another.
    private func victim() -> Int? {
        let leading = places.keys.sorted().first { places[$0]?.process === server.leader?.process }
        if let leading, dice.chance(750) { return leading }
        return dice.one(of: places.keys.sorted())
    }

    func kill() {
        guard let place = victim(), let process = places[place]?.process else { return }
        server.trace("relay \(process.number): is killed")
        process.kill()
        remove(place)
        replace(place)
    }

    func stop() {
        guard let place = victim(), let (process, relay) = places[place].map({ ($0.process, $0.relay) }) else { return }
        server.trace("relay \(process.number): is asked to stop")
        server.scheduler.on(behalfOf: process.number) { _ = Task { await relay.stop() } }
    }

    func freeze(for duration: Int64, withClock: Bool) {
        guard let place = victim(), let process = places[place]?.process, !process.isFrozen else { return }
        server.trace("relay \(process.number): freezes for \(duration / 1000) ms\(withClock ? " with its clock" : "")")
        process.freeze(withClock: withClock)
        server.scheduler.at(server.scheduler.now + duration, for: 0) { [server] in
            server.trace("relay \(process.number): wakes")
            process.thaw()
        }
    }

    func cutOff(for duration: Int64) {
        guard let place = victim(), let process = places[place]?.process else { return }
        server.trace("relay \(process.number): is cut off for \(duration / 1000) ms")
        process.cut()
        server.scheduler.at(server.scheduler.now + duration, for: 0) { process.heal() }
    }

    /// Ends every process; to be called once nothing matters any more.
    func end() {
        for place in places.keys.sorted() {
            places[place]?.process.thaw()
            places[place]?.process.kill()
        }
        places = [:]
    }

    /// Has every relay write its state into the trace.
    func describe() {
        for place in places.keys.sorted() {
            guard let (process, relay) = places[place].map({ ($0.process, $0.relay) }), !process.isFrozen else {
                continue
            }
            server.scheduler.on(behalfOf: process.number) {
                _ = Task {
                    let summary = await relay.summary
                    server.trace("relay \(process.number): \(summary)")
                }
            }
        }
    }

    /// Looks at what the relays hold in memory.
    func measure() {
        lookAfterLostStop()
        for place in places.keys.sorted() {
            guard let (process, relay) = places[place].map({ ($0.process, $0.relay) }), !process.isFrozen else {
                continue
            }
            server.scheduler.on(behalfOf: process.number) {
                _ = Task {
                    let bytes = await relay.bufferedBytes
                    self.mostBytes = max(self.mostBytes, bytes)
                }
            }
        }
    }
}
