import RelayCore

/// Something that goes wrong at a time, for a time.
struct PlannedFault: Sendable {
    enum Kind: CaseIterable, Sendable {
        // Relays: the leading one, mostly.
        case killRelay, freezeRelay, pauseHost, cutOffRelay, stopRelay
        // The server.
        case endBackend, endStream, crashServer, failOver, standbyHangs, lockRow
        // Sinks.
        case outage, failAfterWrite, holdResponse, respondSlowly, reject, refuseToOpen
    }

    var kind: Kind
    /// Microseconds since the simulation began.
    var time: Int64
    var duration: Int64
}

extension Plan {
    mutating func chooseFaults(_ dice: Dice) {
        let mean = (productionPause.lowerBound + productionPause.upperBound) / 2
        let length = min(12_000_000, Int64(transactions / producers + 1) * (mean + 30_000)) + 300_000
        calmFrom = length + 500_000
        // Some seeds are without any, some with one sort only.
        guard !dice.chance(80) else { return }
        failures = dice.chance(200) ? 20 : 0
        var kinds = PlannedFault.Kind.allCases
        if replication == .none { kinds.removeAll { [.failOver, .standbyHangs].contains($0) } }
        if !policy.usesStream { kinds.removeAll { $0 == .endStream } }
        if dice.chance(500) {
            let chosen = (0..<dice.number(1...3)).compactMap { _ in dice.one(of: kinds) }
            kinds = kinds.filter(chosen.contains)
        }
        for _ in 0..<dice.number(1...8) {
            guard let kind = dice.one(of: kinds) else { return }
            let long = dice.chance(400)
            faults.append(
                PlannedFault(
                    kind: kind, time: dice.number(Int64(20_000)...length),
                    duration: long ? dice.number(Int64(800_000)...5_000_000) : dice.number(Int64(10_000)...800_000)))
        }
        faults.sort { $0.time < $1.time }
        calmFrom = max(calmFrom, faults.map { $0.time + $0.duration }.max() ?? 0) + 200_000
    }

    /// Some fault may take back what somebody has seen.
    var losesVisible: Bool {
        let cuts = faults.map(\.kind)
        return (replication == .asynchronous && cuts.contains(.failOver))
            || (unflushedCommits > 0 && (cuts.contains(.failOver) || cuts.contains(.crashServer)))
    }

    /// Where what had left may be lost, the relay that knows of it must live to see it: one that was killed, stopped or
    /// frozen cannot judge (docs/simulation.md, what it does not show).
    mutating func keepMemory() {
        let blinding: [PlannedFault.Kind] = [.killRelay, .freezeRelay, .pauseHost, .cutOffRelay, .stopRelay]
        faults.removeAll { blinding.contains($0.kind) }
    }
}
