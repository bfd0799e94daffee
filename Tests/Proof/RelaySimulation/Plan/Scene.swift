import RelayCore

/// What a simulation dwells on. Most take what the seed brings; some defects show only where one thing happens often.
package enum Scene: String, CaseIterable, Sendable {
    case everything
    /// Rows that come late, to sinks that are at different places.
    case lateRows
    /// Transactions roll back and the server crashes, so that ids which were drawn are drawn again.
    case drawsTakenBack
    /// Lanes read the table while answers take long and transactions are open.
    case slowReads
    /// Neither timers nor sweeps help the bell, and announcements come long before their rows are visible.
    case bellAlone
    /// Crashes and promotions take back what everybody had seen.
    case historyCut
    /// Rows are deleted under the relay's hands.
    case deletions
    /// Sinks are added, moved and removed.
    case administration
    /// Relays compete for the rows of one sink, without order.
    case competition
}

extension Plan {
    mutating func set(_ scene: Scene, _ dice: Dice) {
        switch scene {
        case .everything: return
        case .lateRows:
            hasLateRows = true
            lateRows = 350
            transactions = max(transactions, 25)
            addFaults([.outage, .respondSlowly, .refuseToOpen, .crashServer], dice)
        case .drawsTakenBack:
            relays = 1
            replication = .none
            sequenceAhead = 0
            prepares = false
            hasLateRows = false
            barrenStretch = 400_000
            producers = 4
            transactions = 120
            productionPause = 1000...30_000
            // Some are open for longer than a leader waits after a crash.
            longestTransaction = 3_000_000
            leaderTimeout = 500
            addFaults([.crashServer, .outage], dice)
            addFaults([.crashServer, .outage], dice)
        case .bellAlone: leaveTheBellAlone(dice)
        case .historyCut: cutHistory(dice)
        case .deletions: deleteMuch(dice)
        case .competition: compete(dice)
        case .administration:
            administrations = dice.number(3...6)
            hasLateRows = !isGapless
            lateRows = 200
            replication = .none
            unflushedCommits = 0
            faults.removeAll { [.failOver, .standbyHangs].contains($0.kind) }
            addFaults([.outage, .respondSlowly, .endBackend, .crashServer, .killRelay], dice)
        case .slowReads:
            slowReads = 600
            policy.pollInterval = min(policy.pollInterval, 30)
            producers = max(producers, 3)
            transactions = max(transactions, 50)
            productionPause = 500...20_000
            longestTransaction = 300_000
            addFaults([.outage, .failAfterWrite], dice)
            addFaults([.outage, .failAfterWrite], dice)
        }
    }

    private mutating func leaveTheBellAlone(_ dice: Dice) {
        policy.usesStream = true
        policy.netInterval = 1_000_000_000
        policy.sweepInterval = 1_000_000_000
        policy.batchSize = dice.number(1...4)
        if dice.chance(600) { policy.announcements = dice.number(1...3) }
        if dice.chance(800) {
            replication = .synchronous
            replicationLag = 2000...80_000
        }
        unflushedCommits = 0
        // Whatever fails is tried again by the sweeps' clock.
        failures = 0
        hasLateRows = dice.chance(500)
        lateRows = 250
        // A row that is locked when it is to move is tried again by sweeps alone.
        neighbourhood.holdsLocks = false
        let kinds: [PlannedFault.Kind] = [
            .endBackend, .endStream, .crashServer, .standbyHangs, .outage, .failAfterWrite, .respondSlowly,
        ]
        faults = faults.filter { kinds.contains($0.kind) }
        addFaults(kinds, dice)
    }

    private mutating func cutHistory(_ dice: Dice) {
        unflushedCommits = 700
        sequenceAhead = dice.one(of: [0, 4, 32]) ?? 0
        replication = dice.chance(500) ? .none : .asynchronous
        replicationLag = 20_000...300_000
        faults = []
        var kinds: [PlannedFault.Kind] = [.crashServer, .outage, .failAfterWrite, .respondSlowly]
        if replication != .none { kinds += [.failOver, .failOver] }
        addFaults(kinds, dice)
        addFaults([.crashServer], dice, count: 1...2)
    }

    private mutating func deleteMuch(_ dice: Dice) {
        neighbourhood.withdrawals = 6
        neighbourhood.updates = 3
        neighbourhood.undoings = UInt64(dice.number(0...3))
        neighbourhood.truncations = UInt64(dice.number(0...1))
        neighbourhood.pause = 500...20_000
        hasLateRows = !isGapless
        lateRows = 300
        replication = .none
        unflushedCommits = 0
        faults.removeAll { [.failOver, .standbyHangs].contains($0.kind) }
        addFaults([.outage, .respondSlowly, .endBackend, .crashServer, .killRelay], dice)
    }

    private mutating func compete(_ dice: Dice) {
        claimTimeout = dice.number(Int64(1600)...5000)
        policy.usesStream = false
        relays = dice.number(1...4)
        sinks = Array(sinks.prefix(1))
        for index in sinks.indices {
            sinks[index].lane.order = .id
            if sinks[index].lane.onReject == .parkKey { sinks[index].lane.onReject = .park }
        }
        administrations = 0
        unflushedCommits = 0
        faults.removeAll { [.failOver, .endStream].contains($0.kind) }
        addFaults([.outage, .respondSlowly, .failAfterWrite, .endBackend, .crashServer, .killRelay, .reject], dice)
    }

    private mutating func addFaults(
        _ kinds: [PlannedFault.Kind], _ dice: Dice, count: ClosedRange<Int> = 3...6
    ) {
        for _ in 0..<dice.number(count) {
            guard let kind = dice.one(of: kinds) else { return }
            add(
                PlannedFault(
                    kind: kind, time: dice.number(Int64(20_000)...calmFrom),
                    duration: dice.number(Int64(10_000)...800_000)))
        }
    }

    private mutating func add(_ fault: PlannedFault) {
        faults.append(fault)
        faults.sort { $0.time < $1.time }
        calmFrom = max(calmFrom, fault.time + fault.duration + 200_000)
    }
}
