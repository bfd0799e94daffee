/// A transaction of a producer.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class ProducerTransaction: @unchecked Sendable {
    let server: SimulatedServer
    /// Its number, once it has written something.
    private(set) var number: UInt32?
    let incarnation: Int
    /// Its name in `pg_locks`.
    var virtualTransaction: String
    private let pid: Int32
    /// What it will have written once it is committed.
    private(set) var rows: [Row] = []
    /// Ids that it inserted, also of rows that it deleted again.
    private(set) var inserted: [Int64] = []
    private(set) var drawn: [Int64] = []
    private var holdsSequence = false

    /// - Throws: ``ServerFailure/unreachable``.
    init(on server: SimulatedServer) throws {
        guard server.isUp else { throw ServerFailure.unreachable }
        self.server = server
        incarnation = server.incarnation
        virtualTransaction = server.newVirtualTransaction()
        pid = server.newPid()
    }

    private func check() throws {
        guard server.isUp, incarnation == server.incarnation else { throw ServerFailure.connectionLost }
    }

    /// `nextval`: takes the sequence's lock, then the value.
    func draw() async throws -> Int64 {
        try check()
        holdsSequence = true
        begin()
        server.holders[virtualTransaction] = .some(pid)
        if server.dice.chance(300) { await server.think() }
        try check()
        let id = server.draw()
        drawn.append(id)
        return id
    }

    func insert(_ id: Int64, isLate: Bool = false) throws {
        try check()
        let number = begin()
        server.inHand.insert(id)
        server.usedIDs.insert(id)
        let plan = server.plan
        inserted.append(id)
        rows.append(
            Row(
                id: id, transaction: number, createdAt: server.creationTime(),
                key: server.dice.number(0...plan.keys - 1), size: server.dice.number(plan.payload), isLate: isLate))
    }

    /// The first thing that it writes, a draw from the sequence included, gives it a number.
    @discardableResult
    private func begin() -> UInt32 {
        let number = number ?? server.newTransaction()
        self.number = number
        return number
    }

    /// ROLLBACK TO SAVEPOINT: what was inserted last is gone, and does not ring; the lock stays.
    func undoLast() {
        _ = rows.popLast()
        _ = inserted.popLast()
    }

    /// Writes a row anew that it has inserted itself.
    func updateLast() {
        guard let row = rows.popLast() else { return }
        rows.append(row.rewritten(by: row.transaction))
    }

    /// Deletes a row that it has inserted itself: it still rings.
    func deleteLast() { _ = rows.popLast() }

    func rollBack() {
        guard incarnation == server.incarnation else { return }
        end(keeping: [])
    }

    /// Ends the transaction and keeps an id that it drew, for a later one.
    func rollBackKeeping() -> Int64? {
        guard incarnation == server.incarnation else { return nil }
        let kept = drawn.last
        end(keeping: kept.map { [$0] } ?? [])
        return kept
    }

    func commit() async throws {
        try check()
        let rows = rows
        if server.plan.mutant == .unlockedBeforeVisible { release() }
        let change = Change(
            transaction: number, rows: rows, announced: inserted,
            isUnflushed: server.dice.chance(server.plan.unflushedCommits)
        ) { tables in
            for row in rows { tables.unpublished.insert(row) }
        }
        try await server.commit(change, in: incarnation)
        end(keeping: [])
    }

    /// PREPARE TRANSACTION: what it holds, it holds for nobody's session from here on.
    func prepare(as name: String) async throws {
        try check()
        let (rows, inserted) = (rows, inserted)
        let change = Change(transaction: number, end: .open) { [self] tables in
            tables.prepared.append(.init(name: name, transaction: self, rows: rows, inserted: inserted))
        }
        try await server.commit(change, in: incarnation)
        guard holdsSequence else { return }
        if server.plan.renamesPrepared {
            server.holders[virtualTransaction] = nil
            virtualTransaction = server.newVirtualTransaction()
        }
        server.holders[virtualTransaction] = .some(nil)
    }

    private func release() { server.holders[virtualTransaction] = nil }

    private func end(keeping kept: [Int64]) {
        release()
        if let number { server.hasEnded(number) }
        for id in drawn + inserted where !kept.contains(id) { server.inHand.remove(id) }
    }
}

extension SimulatedServer {
    /// COMMIT PREPARED or ROLLBACK PREPARED.
    func finish(prepared name: String, commits: Bool) async throws {
        guard isUp, let prepared = tables.prepared.first(where: { $0.name == name }) else { return }
        let transaction = prepared.transaction
        let rows = commits ? prepared.rows : []
        let change = Change(
            transaction: transaction.number, end: commits ? .committed : .aborted, rows: rows,
            announced: commits ? prepared.inserted : []
        ) { tables in
            guard tables.prepared.contains(where: { $0.name == name }) else { return }
            tables.prepared.removeAll { $0.name == name }
            for row in rows { tables.unpublished.insert(row) }
        }
        let began = incarnation
        try await commit(change, in: began)
        guard began == incarnation else { return }
        holders[transaction.virtualTransaction] = nil
        if let number = transaction.number { hasEnded(number) }
        for id in prepared.inserted { inHand.remove(id) }
    }
}
