import RelayCore

/// Others who work on the outbox: sessions that update rows or withdraw them, a job that cleans up, an operator who
/// undoes marks.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Neighbours: @unchecked Sendable {
    private let server: SimulatedServer
    private let dice: Dice
    private var habits: Neighbourhood { server.plan.neighbourhood }
    private var atWork = 0

    init(_ server: SimulatedServer, _ dice: Dice) {
        (self.server, self.dice) = (server, dice)
    }

    /// Nobody touches a row any more.
    var areDone: Bool { atWork == 0 }

    func start() {
        work(every: habits.pause, when: habits.acts) { await self.act() }
        if let age = habits.cleanedUpAfter { work(every: age / 3...age) { await self.cleanUp(age) } }
    }

    private func work(
        every pause: ClosedRange<Int64>, when isWorth: Bool = true, _ body: @escaping @Sendable () async -> Void
    ) {
        guard isWorth else { return }
        atWork += 1
        server.scheduler.spawn { [self] in
            // Into the quiet, so that what they do last is seen through as well.
            while !server.scheduler.isOver, server.scheduler.now < server.plan.calmFrom {
                await server.scheduler.pause(dice.number(pause))
                if server.isUp { await body() }
            }
            atWork -= 1
        }
    }

    private func act() async {
        let place = dice.number(UInt64(0)...habits.total - 1)
        if place < habits.updates {
            await update()
        } else if place < habits.updates + habits.withdrawals {
            await withdraw()
        } else if place < habits.updates + habits.withdrawals + habits.undoings {
            await undo()
        } else {
            await truncate()
        }
    }

    // MARK: - What they do

    private func update() async {
        guard let row = dice.one(of: free(server.tables.unpublished.rows + server.tables.published.rows)) else {
            return
        }
        await change([row.id], "updates \(row.id)") { transaction in
            let row = row.rewritten(by: transaction)
            return Change(transaction: transaction, rows: [row]) { tables in
                tables.unpublished.update(row)
                tables.published.update(row)
            }
        }
    }

    private func withdraw() async {
        guard let row = dice.one(of: free(server.tables.unpublished.rows)) else { return }
        await delete([row], "withdraws")
    }

    private func cleanUp(_ age: Int64) async {
        let limit = EventEncoding.beginning + server.scheduler.now - age
        let rows = free(server.tables.unpublished.rows + server.tables.published.rows).filter { $0.createdAt < limit }
        await delete(rows, "cleans up")
    }

    /// Waits for whoever has rows locked, and keeps everybody out meanwhile.
    private func truncate() async {
        guard server.rowLocks.isEmpty else { return }
        await delete(server.tables.unpublished.rows, "empties the leaf:")
    }

    private func delete(_ rows: [Row], _ verb: String) async {
        guard !rows.isEmpty else { return }
        let ids = rows.map(\.id)
        await change(ids, "\(verb) \(ids)") { transaction in
            Change(transaction: transaction, deleted: rows.map(\.identity)) { tables in
                for id in ids {
                    tables.unpublished.remove(id)
                    tables.published.remove(id)
                }
            }
        }
    }

    /// The mark is an update that moves the row; so is its undoing, and that inserts into the unpublished leaf.
    private func undo() async {
        guard let row = dice.one(of: free(server.tables.published.rows)) else { return }
        await change([row.id], "undoes the mark of \(row.id)") { transaction in
            var row = row.rewritten(by: transaction)
            row.isLate = true
            let moved = row
            return Change(transaction: transaction, rows: [row], announced: [row.id], undone: [row.identity]) {
                tables in
                guard tables.published.remove(moved.id) != nil else { return }
                tables.unpublished.insert(moved)
            }
        }
    }

    // MARK: - Transactions

    private func free(_ rows: [Row]) -> [Row] { rows.filter { server.rowLocks[$0.id] == nil } }

    /// Locks the rows, writes, commits, and lets go.
    private func change(_ ids: [Int64], _ what: String, _ make: (UInt32) -> Change) async {
        let (pid, transaction, began) = (server.newPid(), server.newTransaction(), server.incarnation)
        if habits.holdsLocks { for id in ids { server.rowLocks[id] = pid } }
        server.trace("somebody \(what)")
        var change = make(transaction)
        change.isUnflushed = dice.chance(server.plan.unflushedCommits)
        try? await server.commit(change, in: began)
        guard began == server.incarnation else { return }
        server.hasEnded(transaction)
        server.rowLocks = server.rowLocks.filter { $0.value != pid }
    }
}
