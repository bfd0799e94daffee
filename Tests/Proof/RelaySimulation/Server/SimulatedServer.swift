import RelayCore

/// A PostgreSQL server with one outbox, as far as a relay can tell: what is committed becomes visible after it is flushed,
/// and its locks go after that; sessions end; a crash keeps what was flushed, a replica what it had received.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedServer: @unchecked Sendable {
    let scheduler: Scheduler
    let dice: Dice
    let plan: Plan
    let judge: Judge

    /// What everybody sees.
    var tables = ServerTables()
    var sequence = OutboxSequence()
    var log = WriteAheadLog()
    /// What the replica has, and how far its sequence is.
    var replica: (tables: ServerTables, drawn: Int64) = (ServerTables(), 0)
    var replicationWaiters: [Reply<Void>] = []

    var isUp = true
    /// Counts the runs of the server: what belongs to an earlier one is gone.
    var incarnation = 1
    var timeline = 1
    var mark: ServerMark { ServerMark(started: incarnation, timeline: timeline) }

    /// Who holds the sequence's lock, by virtual transaction; nil: a prepared transaction.
    var holders: [String: Int32?] = [:]
    /// Transactions that have written something and that nobody sees yet: what a new slot waits for.
    var running: Set<UInt32> = []
    /// Ids that are drawn, and neither inserted visibly nor given up.
    var inHand: Set<Int64> = []
    /// Who has a row locked: a backend's pid, or 0 for an operator.
    var rowLocks: [Int64: Int32] = [:]
    var backends: [Backend] = []
    var sinkTable = SinkTableLock()
    /// Who holds the leader's lock.
    var leader: Backend?
    /// The replica receives nothing for now.
    var standbyHangs = false

    /// Where an administrator restarted the sequence.
    var restartedAfter: Int64 = 0

    private var nextPid: Int32 = 1000
    var nextTransaction: UInt32 = 700
    /// Ids that some row has, or had.
    var usedIDs: Set<Int64> = []
    private var nextVirtual = 0
    private var lastCreated: Int64 = 0

    init(_ scheduler: Scheduler, _ dice: Dice, _ plan: Plan, _ judge: Judge) {
        (self.scheduler, self.dice, self.plan, self.judge) = (scheduler, dice, plan, judge)
    }

    func trace(_ text: String) { scheduler.trace.add(scheduler.now, text) }

    // MARK: - Time

    /// What the server takes between two steps of its own.
    func think() async {
        let slow = dice.chance(30)
        await scheduler.pause(slow ? dice.number(Int64(1000)...40_000) : dice.number(Int64(5)...400))
    }

    /// A message's way between a process and the server.
    func cross(_ process: SimulatedProcess) async {
        await process.reachable()
        let slow = dice.chance(20)
        await scheduler.pause(slow ? dice.number(Int64(2000)...60_000) : dice.number(Int64(20)...800))
        await process.reachable()
    }

    // MARK: - Sessions

    func connect(_ process: SimulatedProcess) throws -> Backend {
        guard isUp else { throw ServerFailure.unreachable }
        nextPid += 1
        let backend = Backend(pid: nextPid, incarnation: incarnation, process: process)
        backends.append(backend)
        return backend
    }

    /// A session ends: whatever it held is free, and what it had not committed is gone.
    func end(_ backend: Backend) {
        guard backend.isAlive else { return }
        backend.markEnded()
        backends.removeAll { $0 === backend }
        if leader === backend { leader = nil }
        unlockRows(of: backend)
        backend.slot?.wake()
        backend.slot = nil
        let tellClient = backend.whenEnded
        backend.whenEnded = nil
        tellClient?()
        wakeReplicationWaiters()
    }

    /// What pg_terminate_backend does. A backend that is blocked writing to its client takes its time.
    func terminate(_ backend: Backend) {
        let stubborn = dice.chance(100)
        let delay = stubborn ? dice.number(Int64(100_000)...3_000_000) : dice.number(Int64(50)...3000)
        scheduler.at(scheduler.now + delay, for: 0) { [self] in end(backend) }
    }

    /// After a statement: the session may stay silent for so long.
    func armPatience(_ backend: Backend) {
        guard let limit = backend.claimed == nil ? backend.patience : backend.patienceInTransaction else { return }
        let statements = backend.statements
        scheduler.at(scheduler.now + limit * 1000, for: 0) { [self] in
            guard backend.isAlive, !backend.isBusy, backend.statements == statements else { return }
            trace("server: backend \(backend.pid) was silent for too long")
            end(backend)
        }
    }

    func unlockRows(of backend: Backend) {
        backend.claimed = nil
        rowLocks = rowLocks.filter { $0.value != backend.pid }
    }

    /// The simulation is over. What is in the log and the tables refers back to this server, which nobody would free.
    func forget() {
        (tables, log, replica) = (ServerTables(), WriteAheadLog(), (ServerTables(), 0))
        replicationWaiters = []
    }

    // MARK: - Names

    /// A transaction begins to write.
    func newTransaction() -> UInt32 {
        nextTransaction += 1
        running.insert(nextTransaction)
        log.append(.transaction(nextTransaction))
        return nextTransaction
    }

    // MARK: - Snapshots

    /// Of these transactions, those that everybody sees.
    func visible(_ transactions: [UInt32]) -> [UInt32] { transactions.filter { !running.contains($0) } }

    var snapshotEdges: SnapshotEdges {
        let next = UInt64(nextTransaction) + 1
        return SnapshotEdges(xmin: running.min().map(UInt64.init) ?? next, xmax: next)
    }

    /// Which database this is, and since when.
    var history: DatabaseHistory {
        DatabaseHistory(
            systemIdentifier: "1", timeline: Int64(timeline), objects: [1, 2, 3, 4], sequenceFile: 1,
            started: "\(incarnation)")
    }

    func newVirtualTransaction() -> String {
        nextVirtual += 1
        return "\(nextVirtual % 7)/\(nextVirtual)"
    }

    func newPid() -> Int32 {
        nextPid += 1
        return nextPid
    }

    /// A time that no other row has.
    func creationTime() -> Int64 {
        lastCreated = max(lastCreated + 1, scheduler.now)
        return EventEncoding.beginning + lastCreated
    }
}
