import RelayCore

/// Holds what happens against the promises: nothing lost, first deliveries in order, duplicates only
/// where a fault explains them and within the window, nothing published that was not delivered or parked, nothing
/// delivered that nobody can see.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Judge: @unchecked Sendable {
    /// What has come to one far side.
    struct Side {
        var plan: Plan.SinkPlan
        /// What arrived, by id.
        var received: [Int64: DeliveredRow] = [:]
        /// What had arrived of rows whose mark was undone since.
        var beforeUndoing: [Int64: DeliveredRow] = [:]
        var highest: Int64 = 0
        var highestOfKey: [Int: Int64] = [:]
        /// Of what arrived, who sent it first.
        var from: [Int64: RelayLife] = [:]
        /// Events that the sink has rejected: parked, they come out of turn.
        var rejected: Set<Int64> = []
        var rejectedKeys: Set<Int> = []
        var repeats = 0
        /// An administrator has set its place: neither order nor duplicates are judged from here on.
        var isPlaced = false
        /// Events at or below are not for it.
        var passed: Int64 = 0

        func lacks(_ row: Row) -> Bool { row.id > passed && received[row.id] != row.identity }
    }

    let scheduler: Scheduler
    let window: Int
    var sides: [Side]
    /// Rows that everybody sees, or saw once and that were lost since.
    private(set) var seen: [DeliveredRow: Row] = [:]
    /// The versions of them that anybody could see.
    private(set) var versions: [DeliveredRow: Set<Int>] = [:]
    /// Rows whose mark somebody undid: they may come again.
    private(set) var undone: Set<DeliveredRow> = []
    /// Rows that somebody deleted: they need not come, and if one does, on a way that it had taken before, then whenever.
    private(set) var deleted: Set<DeliveredRow> = []
    /// The server was replaced by its replica.
    private var hasPromoted = false
    private var lives: [Int: RelayLife] = [:]
    /// No id above has left.
    var highestSent: Int64 = 0
    /// The database lost what somebody had seen.
    private(set) var hasLostVisible = false
    /// What had left when it did: of the ids up to there, those that become visible afterwards have another history.
    private(set) var leftBeforeLoss: Int64 = 0
    private(set) var reissued: Set<Int64> = []
    /// Rows that a crash or a failover took back.
    private(set) var lost: Set<DeliveredRow> = []
    /// It lost what a living relay knows to be delivered: the relays must stop.
    var mustStop: Bool { !lostDelivered.isEmpty }
    /// Rows that were lost, and that a living relay knows to be delivered; with each the transaction that wrote it, if a
    /// relay asks what became of that.
    private var lostDelivered: [DeliveredRow: UInt32?] = [:]
    /// Nobody may deliver, until an administrator has looked.
    private(set) var hasStopped = false
    private var hasEverStopped = false
    private(set) var finding: String?
    private var isClosed = false
    /// Somebody adds, moves and removes sinks.
    private let isAdministered: Bool
    /// One relay leads; else they share the rows, and what is parked nobody tries again.
    let hasOrder: Bool

    init(_ scheduler: Scheduler, _ plan: Plan) {
        self.scheduler = scheduler
        window = plan.policy.window
        isAdministered = plan.administrations > 0
        hasOrder = plan.claimTimeout == nil
        sides = plan.sinks.map { Side(plan: $0) }
    }

    func find(_ what: @autoclosure () -> String) {
        guard finding == nil, !isClosed else { return }
        let what = what()
        finding = what
        scheduler.trace.add(scheduler.now, "FOUND: \(what)")
    }

    /// What happens from here on is judged no more.
    func close() { isClosed = true }

    // MARK: - Relays

    func leads(_ process: SimulatedProcess, _ opened: OpenedSessions) {
        guard !opened.keepsLanes || lives[process.number] == nil else { return }
        lives[process.number] = RelayLife(process: process.number, opened: opened)
    }

    func competes(_ process: SimulatedProcess) {
        lives[process.number] = RelayLife(process: process.number, opened: OpenedSessions(sinks: []))
    }

    func life(of process: SimulatedProcess) -> RelayLife {
        lives[process.number] ?? RelayLife(process: process.number, opened: OpenedSessions(sinks: []))
    }

    func isGone(_ process: SimulatedProcess) { lives[process.number] = nil }

    // MARK: - The server

    /// A change is there for everybody to see.
    func visible(_ change: Change, _ tables: ServerTables) {
        for row in change.rows {
            if seen.updateValue(row, forKey: row.identity) == nil, row.id <= leftBeforeLoss { reissued.insert(row.id) }
            versions[row.identity, default: []].insert(row.version)
            lost.remove(row.identity)
        }
        for row in change.undone { undo(row) }
        if let placement = change.placement { place(placement) }
        deleted.formUnion(change.deleted)
        findAgain(change)
        published(change.published, tables)
    }

    /// What was lost may come back as it was: a prepared transaction is committed once more. And a number that is given
    /// out again after a crash speaks for whoever has it now: then nobody can tell that another had it before.
    private func findAgain(_ change: Change) {
        guard mustStop else { return }
        for row in change.rows { lostDelivered[row.identity] = nil }
        guard let number = change.transaction, change.end == .committed else { return }
        lostDelivered = lostDelivered.filter { $0.value != number }
    }

    private func published(_ ids: [Int64], _ tables: ServerTables) {
        for id in ids {
            guard let row = tables.row(id) else { continue }
            for side in sides where side.lacks(row) {
                if tables.isParked(id, for: side.plan.name) { continue }
                find("LOSS: \(id) is published, and \(side.plan.name) never had it")
            }
        }
    }

    /// An operator wants the row delivered once more.
    private func undo(_ row: DeliveredRow) {
        undone.insert(row)
        for index in sides.indices {
            // A sink that was set back may bring it to itself alone: the others are past it, and had it.
            guard !isAdministered, let had = sides[index].received.removeValue(forKey: row.id) else { continue }
            sides[index].beforeUndoing[row.id] = had
        }
        for life in lives.values { life.forget(row) }
    }

    private func place(_ placement: SinkPlacement) {
        guard let index = sides.firstIndex(where: { $0.plan.name == placement.sink }) else { return }
        switch placement.passed {
        case .everything: sides[index].passed = .max
        case .through(let id): sides[index].passed = id
        case .alsoThrough(let id): sides[index].passed = max(sides[index].passed, id)
        }
        if placement.isByHand { sides[index].isPlaced = true }
    }

    func promoted() { hasPromoted = true }

    /// A crash or a failover took back what was visible.
    func lost(_ changes: [Change], _ tables: ServerTables, isPromotion: Bool) {
        // What waits for no standby anywhere tells nothing of the events.
        guard changes.contains(where: { !$0.isLocal }) else { return }
        hasLostVisible = true
        // With an undoing goes what it asked for.
        for row in changes.flatMap(\.undone) {
            for index in sides.indices where sides[index].received[row.id] == nil {
                sides[index].received[row.id] = sides[index].beforeUndoing[row.id]
            }
        }
        leftBeforeLoss = highestSent
        let gone = changes.flatMap(\.rows).filter { tables.row($0.id)?.identity != $0.identity }
        lost.formUnion(gone.map(\.identity))
        // One that came late moved no cursor: once it is settled, nothing tells that it was there.
        for row in changes.flatMap(\.rows) where !row.isLate && tables.row(row.id) == nil {
            for life in lives.values
            where life.acknowledged.values.contains(where: { $0.contains(row.identity) }) {
                lostDelivered.updateValue(isPromotion ? nil : row.transaction, forKey: row.identity)
            }
        }
    }

    func stopped() {
        hasStopped = true
        hasEverStopped = true
    }

    /// An administrator has looked: what is lost from here on is another matter.
    func resumed() {
        hasStopped = false
        lostDelivered = [:]
    }

    // MARK: - The end

    /// What is still to be done; nil where everything that was promised is done.
    func unfinished(_ tables: ServerTables) -> String? {
        if let row = tables.unpublished.rows.first { return "event \(row.id) is not published" }
        if let entry = tables.owed.first { return "event \(entry.id) is still owed to \(entry.sink)" }
        if hasOrder, let entry = tables.parked.first {
            return "event \(entry.row.id) is still parked for \(entry.sink)"
        }
        for row in tables.published.rows {
            for side in sides where side.lacks(row) && !tables.isParked(row.id, for: side.plan.name) {
                return "event \(row.id) has not come to \(side.plan.name)"
            }
        }
        return nil
    }

    /// A stop for time travel must have a reason, and what must be seen must have led to one.
    func judgeStops() {
        // A deletion beside a promotion cannot be told from what the promotion took back.
        let mayHaveGoneBack = hasLostVisible || (hasPromoted && !deleted.isEmpty)
        if hasEverStopped, !mayHaveGoneBack {
            find("FALSE ALARM: the relays stop for a database that has not gone back")
        }
        if !hasStopped, mustStop { find("UNSEEN: the database lost what had left, and no relay stops") }
    }

    var deliveries: Int { sides.reduce(0) { $0 + $1.received.count } }
    var repeats: Int { sides.reduce(0) { $0 + $1.repeats } }
}
