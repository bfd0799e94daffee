import RelayCore

/// Producers that write into the outbox in every way that is hard on a relay.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Producers: @unchecked Sendable {
    private let server: SimulatedServer
    private let plan: Plan
    private let dice: Dice
    private var left: Int
    private var atWork: Int
    private var preparedNames: [String] = []
    private var prepared = 0

    init(_ server: SimulatedServer, _ dice: Dice) {
        self.server = server
        self.dice = dice
        plan = server.plan
        left = plan.transactions
        atWork = plan.producers
    }

    /// Every transaction is over, the prepared ones too.
    var areDone: Bool { atWork == 0 && server.tables.prepared.isEmpty }

    func start() {
        for _ in 0..<plan.producers { server.scheduler.spawn { await self.produce() } }
    }

    private func produce() async {
        var keptID: (id: Int64, incarnation: Int)?
        while left > 0, !server.scheduler.isOver {
            left -= 1
            await server.scheduler.pause(dice.number(plan.productionPause))
            do {
                if dice.chance(300), !preparedNames.isEmpty {
                    let name = preparedNames.remove(at: dice.number(0...preparedNames.count - 1))
                    try await server.finish(prepared: name, commits: plan.isGapless || dice.chance(750))
                } else {
                    try await transact(&keptID)
                }
            } catch {
                await server.scheduler.pause(100_000)
            }
        }
        atWork -= 1
        if atWork == 0 { await resolveRest() }
    }

    /// To the very end: a failover may bring a prepared transaction back.
    private func resolveRest() async {
        while !server.scheduler.isOver {
            for name in server.tables.prepared.map(\.name) { try? await server.finish(prepared: name, commits: true) }
            await server.scheduler.pause(50_000)
        }
    }

    private func transact(_ keptID: inout (id: Int64, incarnation: Int)?) async throws {
        let transaction = try ProducerTransaction(on: server)
        if plan.hasLateRows, dice.chance(plan.lateRows) {
            if let kept = keptID {
                keptID = nil
                guard kept.incarnation == server.incarnation, !server.usedIDs.contains(kept.id) else {
                    return transaction.rollBack()
                }
                try transaction.insert(kept.id, isLate: true)
                return try await transaction.commit()
            } else if dice.chance(500), let id = unusedID() {
                try transaction.insert(id, isLate: true)
                return try await transaction.commit()
            }
            _ = try await transaction.draw()
            await linger()
            keptID = transaction.rollBackKeeping().map { ($0, transaction.incarnation) }
            return
        }
        for _ in 0..<(dice.chance(250) ? dice.number(2...5) : 1) {
            let id = try await transaction.draw()
            if dice.chance(300) { await linger() }
            try transaction.insert(id)
            rewriteLast(transaction)
        }
        await linger()
        if plan.rollsBack(at: server.scheduler.now, dice) {
            transaction.rollBack()
        } else if plan.prepares, dice.chance(150), preparedNames.count < 5 {
            prepared += 1
            let name = "prepared \(prepared)"
            try await transaction.prepare(as: name)
            preparedNames.append(name)
        } else {
            try await transaction.commit()
        }
    }

    /// What a transaction does with a row that it has just inserted.
    private func rewriteLast(_ transaction: ProducerTransaction) {
        if dice.chance(plan.ownUpdates) { transaction.updateLast() }
        if dice.chance(plan.ownDeletes) {
            transaction.deleteLast()
        } else if !plan.isGapless, dice.chance(100) {
            transaction.undoLast()
        }
    }

    /// More events than a window holds, once all is done: whoever stands still in silence cannot take them on.
    func probe() {
        atWork += 1
        server.scheduler.spawn { [self] in
            while !server.scheduler.isOver, (try? await insertMore()) == nil { await server.scheduler.pause(100_000) }
            atWork -= 1
        }
    }

    private func insertMore() async throws {
        let transaction = try ProducerTransaction(on: server)
        for _ in 0...plan.policy.window { try transaction.insert(try await transaction.draw()) }
        try await transaction.commit()
    }

    /// Transactions stay open for a moment, some for long.
    private func linger() async {
        await server.scheduler.pause(
            dice.chance(50) ? dice.number(Int64(50_000)...plan.longestTransaction) : dice.number(Int64(10)...20_000))
    }

    /// An id that was drawn once and that nobody has used or holds.
    private func unusedID() -> Int64? {
        guard server.sequence.last > 0 else { return nil }
        let free = (1...server.sequence.last).filter {
            !server.usedIDs.contains($0) && !server.inHand.contains($0) && !server.isPending($0)
        }
        return dice.one(of: free)
    }
}
