/// What the work session does; it does one thing at a time, and everything else waits for its turn.
struct WorkTurns: Hashable, Sendable {
    /// Behind a pointer: a look at a tenure copies it.
    indirect enum Work: Hashable, Sendable {
        /// Exits: `claiming`, `settling`, `sweeping`, `fixing`.
        case idle
        /// Exits: `recheckingGaps` (a gap was closed), `keepingClaim` (rows were handed on), `idle` (none could be).
        case claiming(ClaimRequest, closedWhenSent: Int64)
        /// The ids of closed gaps are looked up. Exits: `keepingClaim`, `idle`.
        case recheckingGaps(IDRanges, claim: ClaimedRows, closedWhenSent: Int64)
        /// Rows are handed on and the claim is kept until they are delivered, or for a while. Exit: `settling`, `idle`.
        case keepingClaim(until: Int64)
        /// Exit: `idle`. `parkedOutcomes`: per sink, how many parked events that were tried again are in it.
        case settling(parkedOutcomes: [String: Int])
        /// Exit: `idle`. `stamp` tells whether anything happened meanwhile, `since` when it was sent.
        case sweeping(SweepRequest, stamp: Int, since: Int64)
        /// Exit: `idle`.
        case fixing
    }

    /// What the settlements of this tenure have met.
    enum Settling: Hashable, Sendable {
        /// None has come back: rows that were delivered and could not move have not been tried. Exits: `free`, `waiting`.
        case untried
        /// Exit: `waiting`.
        case free
        /// Somebody else has locked a row that is to be published; deliveries go on up to the window. Exit: `free`.
        case waiting(row: Int64)

        var awaitedRow: Int64? { if case .waiting(let row) = self { row } else { nil } }
    }

    var work = Work.idle
    var settling = Settling.untried
    /// A settlement is wanted even where there is nothing to write: it tells how the sinks stand.
    var refreshWanted = false
    var sweeps: SweepSchedule
    /// When the starts of new sinks are tried to be fixed, not before.
    var nextFix: Int64

    init(untilDrained: Bool, at now: Int64) {
        sweeps = SweepSchedule(untilDrained: untilDrained, at: now)
        nextFix = now
    }

    /// Rows may have turned up anywhere below the tail, also where the present rotation has been.
    mutating func sweepEverything() {
        sweeps.isWanted = true
        let isSweeping = if case .sweeping = work { true } else { false }
        if isSweeping || sweeps.isPartway { sweeps.repeatRotation() }
    }

    /// As far as an exploration is concerned, only whether a remembered count is the present one matters.
    mutating func fold(clock now: Int64, stamp: Int) {
        nextFix = max(0, nextFix - now)
        sweeps.fold(clock: now, stamp: stamp)
        switch work {
        case .keepingClaim(let until): work = .keepingClaim(until: max(0, until - now))
        case .sweeping(let request, let sent, _): work = .sweeping(request, stamp: sent == stamp ? 0 : -1, since: 0)
        case .idle, .claiming, .recheckingGaps, .settling, .fixing: break
        }
    }
}
