import RelayCore

/// Who takes part in one simulation, how they are set, and what befalls them: all from the seed.
struct Plan: Sendable {
    struct SinkPlan: Sendable {
        var name: String
        var lane: LanePolicy
        /// Events of one request to the far side.
        var request: Int
    }

    enum Replication: Sendable {
        case none, synchronous, asynchronous
    }

    var mutant: Mutant?
    var scene = Scene.everything
    var policy = RelayPolicy()
    var sinks: [SinkPlan] = []
    var relays = 1
    var leaderTimeout: Int64 = 2000

    /// Relays share the rows without order, each claim for so many milliseconds at most; nil: one leads.
    var claimTimeout: Int64?

    var producers = 2
    var transactions = 40
    var prepares = false
    var hasLateRows = false
    /// Transactions of a thousand that write late rows, where there are any, and that roll back.
    var lateRows: UInt64 = 80
    var rollbacks: UInt64 = 120
    /// Of a thousand rows, those that their own transaction writes anew, or deletes.
    var ownUpdates: UInt64 = 0
    var ownDeletes: UInt64 = 0
    /// Every id that is drawn is committed, as far as nothing goes wrong.
    var isGapless = false
    /// Of a thousand transactions, those that do not wait until their commit is flushed.
    var unflushedCommits: UInt64 = 0
    var neighbourhood = Neighbourhood()
    /// How often somebody adds, moves or removes a sink.
    var administrations = 0
    /// In every other stretch of so many microseconds nobody commits; nil: there is none.
    var barrenStretch: Int64?
    var renamesPrepared = false
    var keys = 3
    var payload = 10...40
    /// Microseconds, as all that follow.
    var productionPause: ClosedRange<Int64> = 1000...100_000
    var longestTransaction: Int64 = 1_500_000

    var sequenceAhead: Int64 = 32
    var replication = Replication.none
    var replicationLag: ClosedRange<Int64> = 500...4000
    /// Reads for lanes off the tail, of a thousand, that take long after they have seen the table.
    var slowReads: UInt64 = 20
    /// Rows and ranges that a sweep looks at in one portion.
    var sweepPortion = 1000
    /// Statements of the work session that fail, of a thousand, while faults are on.
    var failures: UInt64 = 0

    var faults: [PlannedFault] = []
    /// From here on nothing goes wrong any more.
    var calmFrom: Int64 = 0

    /// The sinks for which later events of a parked key are parked too.
    var parkingByKey: [String] { sinks.filter { $0.lane.onReject == .parkKey }.map(\.name) }

    func rollsBack(at time: Int64, _ dice: Dice) -> Bool {
        if let stretch = barrenStretch, time / stretch % 2 == 0 { return true }
        return dice.chance(rollbacks)
    }

    func faultsAreOn(at time: Int64) -> Bool { time < calmFrom }

    init(_ dice: Dice, mutant: Mutant?, scene wanted: Scene?) {
        self.mutant = mutant
        chooseSettings(dice)
        chooseSinks(dice)
        chooseProducers(dice)
        chooseServer(dice)
        chooseFaults(dice)
        scene =
            wanted ?? mutant?.scene ?? (dice.chance(800) ? .everything : dice.one(of: Scene.allCases) ?? .everything)
        set(scene, dice)
        guard losesVisible else { return }
        keepMemory()
        // What an administrator has done may be lost as well, and nobody but he knows of it.
        administrations = 0
    }

    private mutating func chooseSettings(_ dice: Dice) {
        policy.usesStream = dice.chance(500)
        policy.batchSize = dice.number(1...20)
        policy.window = dice.number(2...25)
        policy.memory = dice.chance(200) ? dice.number(4000...30_000) : 1 << 20
        policy.pollInterval = dice.number(10...150)
        policy.settleInterval = dice.number(5...150)
        policy.sweepInterval = dice.number(300...3000)
        policy.netInterval = dice.number(1000...5000)
        if dice.chance(300) { policy.announcements = dice.number(1...6) }
        if dice.chance(300) { sweepPortion = dice.number(2...20) }
        policy.retry = RetryPolicy(base: 20, maximum: 800)
        relays = dice.chance(400) ? 1 : dice.number(2...3)
        leaderTimeout = dice.number(500...2000)
    }

    private mutating func chooseSinks(_ dice: Dice) {
        for name in ["a", "b", "c"].prefix(dice.chance(500) ? 1 : dice.number(2...3)) {
            var lane = LanePolicy(retry: policy.retry)
            if dice.chance(350) {
                lane.order = .key(concurrency: dice.number(1...4), batch: dice.number(1...3))
            }
            if dice.chance(500) { lane.onReject = dice.chance(500) ? .park : .parkKey }
            sinks.append(SinkPlan(name: name, lane: lane, request: dice.number(1...8)))
        }
    }

    private mutating func chooseProducers(_ dice: Dice) {
        producers = dice.number(1...4)
        transactions = dice.number(5...45)
        prepares = dice.chance(400)
        renamesPrepared = dice.chance(300)
        hasLateRows = dice.chance(250)
        keys = dice.number(1...6)
        payload = dice.chance(200) ? 10...3000 : 10...40
        let mean = dice.number(Int64(3000)...150_000)
        productionPause = mean / 10...mean * 2
        longestTransaction = dice.number(Int64(100_000)...2_500_000)
        if dice.chance(400) { ownUpdates = UInt64(dice.number(50...500)) }
        if dice.chance(400) { ownDeletes = UInt64(dice.number(30...300)) }
        neighbourhood = Neighbourhood(dice)
        if dice.chance(250) { closeGaps() }
        if dice.chance(150) { administrations = dice.number(1...4) }
    }

    private mutating func closeGaps() {
        isGapless = true
        hasLateRows = false
        rollbacks = 0
        ownDeletes = 0
    }

    private mutating func chooseServer(_ dice: Dice) {
        sequenceAhead = dice.one(of: [0, 0, 1, 4, 32]) ?? 32
        if dice.chance(350) {
            replication = dice.chance(600) ? .synchronous : .asynchronous
            let slow = dice.chance(400)
            replicationLag = slow ? 5000...200_000 : 300...5000
        }
        if dice.chance(150) { unflushedCommits = UInt64(dice.number(100...900)) }
    }
}

extension Plan {
    /// In a line, for the trace.
    var summary: String {
        let lanes = sinks.map { "\($0.name) by \($0.lane.order), on reject \($0.lane.onReject)" }
        return
            "\(scene), \(claimTimeout != nil ? "without order" : policy.usesStream ? "wal" : "poll"), relays: \(relays), window: \(policy.window),"
            + " batch: \(policy.batchSize),"
            + " announcements: \(policy.announcements), memory: \(policy.memory), sinks: \(lanes), producers: \(producers), transactions: \(transactions),"
            + (isGapless ? " without a gap," : "") + " neighbours: \(neighbourhood),"
            + " administrations: \(administrations), unflushed: \(unflushedCommits), replication: \(replication), sequence ahead: \(sequenceAhead), leader timeout: \(leaderTimeout) ms,"
            + " calm from \(calmFrom / 1000) ms, faults: \(faults.map { "\($0.kind) at \($0.time / 1000) ms" })"
    }
}
