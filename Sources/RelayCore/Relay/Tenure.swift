/// What lives as long as the sessions of one tenure: it is made when they are opened, and gone when they are lost.
struct Tenure: Hashable, Sendable {
    /// The row that waits above a gap of the tail, and why.
    var gap: Gap?
    /// A new sink's start waits for an open transaction.
    var startHold: StandingHold?
    var scan: Scan
    var source: TailSource
    var turns: WorkTurns
    /// The published leaf may hold rows above the tail's place that a lane must have: it held some above the highest
    /// cursor when the sessions were opened, or a sink was set back since. A claim brings none of them, a read does.
    var publishedAbove: Bool
    /// Per sink, reads under way whose lane is gone. Until they have come back the sink has no new lane: it would take
    /// their rows for its own.
    var orphanedReads: [String: Int] = [:]
    /// Per sink, the events that somebody wants parked and that are not settled: see `RelayMachine+ParkRequests`.
    var parkRequests: [String: Set<Int64>] = [:]

    init(_ policy: RelayPolicy, rules: RelayRules, publishedAbove: Bool, at now: Int64) {
        scan = .idle(next: now, wanted: true)
        source = TailSource(usesStream: policy.usesStream, rules: rules, at: now)
        turns = WorkTurns(untilDrained: policy.untilDrained, at: now)
        self.publishedAbove = publishedAbove
    }

    /// A row waits above a gap.
    ///
    /// - Parameter patience: milliseconds before a scan asks who holds the ids below.
    mutating func openGap(waiting: Int64, _ cause: OrderHold.Cause, patience: Int64 = 0, at now: Int64) {
        if let gap, gap.waiting == waiting, gap.hold.cause == cause { return }
        var open = gap ?? Gap(waiting: waiting, hold: StandingHold(cause, since: now))
        open.waiting = waiting
        open.hold.cause = cause
        open.nextScan = patience > 0 ? now + patience : nil
        gap = open
        if patience == 0 { scan.want() }
    }

    /// When something is to be done though nothing else happens.
    func addWakes(to wake: inout NextWake, holdNotice: Int64) {
        wake.add(gap?.hold.nextNaming(after: holdNotice))
        wake.add(startHold?.nextNaming(after: holdNotice))
        wake.add(scan.nextWake)
        wake.add(gap?.nextScan)
        source.stream?.addWakes(to: &wake)
    }

    /// The same with its clock set back to 0 and its counters folded, for an exploration.
    mutating func fold(clock now: Int64, stamp: Int) {
        turns.fold(clock: now, stamp: stamp)
        gap?.foldClock(now)
        startHold?.foldClock()
        scan.foldClock(now)
        source.foldClock(now)
    }
}

extension Tenure {
    /// The state in a few words, for whoever reads a schedule.
    var summary: String { "\(turns.work), scan \(scan), gap \(gap?.waiting ?? 0), \(source.summary)" }
}

extension TailSource {
    fileprivate var summary: String {
        guard let stream else { return "claims" }
        let read = "reads the tail from \(stream.read?.request.after ?? -1)"
        switch stream.bell.phase {
        case .noStream: return "no stream, \(read)"
        case .opening(_, let awaited): return "stream opening, awaited \(awaited.ids.ranges), \(read)"
        case .standing(let announced):
            let waiting = announced.waiting.entries.map { "\($0.transaction): \($0.ids.ranges)" }
            return "stream standing, unheard \(announced.unheard), announced \(waiting), awaited "
                + "\(announced.awaited.ids.ranges), gone \(announced.gone.ranges), \(read)"
        }
    }
}
