import RelayCore

/// What a simulation dwells on. Most take what the seed brings; some defects show only where one thing happens often.
enum Scene: CaseIterable, Sendable {
    case everything
    /// Rows that come late, to sinks that stand at different places.
    case lateRows
    /// Transactions roll back and the server crashes, so that ids which were drawn are drawn again.
    case drawsTakenBack
    /// Lanes read the table while answers take long and transactions are open.
    case slowReads
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

    private mutating func addFaults(_ kinds: [PlannedFault.Kind], _ dice: Dice) {
        for _ in 0..<dice.number(3...6) {
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
