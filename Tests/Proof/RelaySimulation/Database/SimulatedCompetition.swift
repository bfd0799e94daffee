import RelayCore

/// The simulated server as a relay reaches it that competes with others, without order.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedCompetition: CompetingOutbox, @unchecked Sendable {
    private let server: SimulatedServer
    private let process: SimulatedProcess
    private let claimTimeout: Int64

    init(_ server: SimulatedServer, _ process: SimulatedProcess, claimTimeout: Int64) {
        (self.server, self.process, self.claimTimeout) = (server, process, claimTimeout)
    }

    func open(_ report: @escaping @Sendable (WaitingReport) -> Void) async throws -> any CompetingTenure {
        while true {
            guard process.isAlive else { throw RelayStop(.unexpected, "the process is gone") }
            do {
                let link = try await Link.open(server, process)
                link.backend.patienceInTransaction = claimTimeout + claimTimeout / 4 + 100
                return CompetingSession(link)
            } catch {
                report(.database(String(describing: error)))
                try Task.checkCancellation()
                await process.clock.sleep(until: process.milliseconds + 100)
            }
        }
    }
}

/// Its one session.
private final class CompetingSession: CompetingTenure, Sendable {
    private let link: Link

    init(_ link: Link) {
        self.link = link
    }

    func close() async { link.close() }
    func lostRace(_ error: any Error) -> Bool { false }
    func isLoss(_ error: any Error) -> Bool { error as? ServerFailure == .connectionLost }

    func claim(
        rows: Int, bytes: Int, without: [Int64]
    ) async throws -> (rows: FetchedRows, unreadable: [RowFault]) {
        try await run { server, backend in
            let nothing = FetchedRows(batch: nil, ids: [], reachedEnd: true)
            let free = server.tables.unpublished.rows.filter { row in
                server.rowLocks[row.id] == nil && !without.contains(row.id)
            }
            let found = server.fitting(free, rows: rows, bytes: bytes)
            guard !found.taken.isEmpty else { return (nothing, []) }
            backend.claimed = Set(found.taken.map(\.id))
            if server.plan.mutant != .claimsUnlocked {
                for row in found.taken { server.rowLocks[row.id] = backend.pid }
            }
            await server.think()
            try backend.check()
            return (try found.fetched, [])
        }
    }

    func mark(_ ids: [Int64], parked: [Parking], sink: String) async throws -> [RowFault] {
        try await run { server, backend in
            try await server.mark(ids + parked.map(\.id), parked: parked, sink: sink, backend)
            server.unlockRows(of: backend)
            return []
        }
    }

    func remark(_ rows: [UnmarkedRow]) async throws -> RemarkedRows {
        try await run { server, backend in
            let standing = rows.filter { row in
                guard let found = server.tables.unpublished[row.id] else { return false }
                return found.createdAt == row.mark.createdAt && found.transaction == row.mark.transaction
            }.map(\.id)
            let free = standing.filter { server.rowLocks[$0] == nil }
            for id in free { server.rowLocks[id] = backend.pid }
            await server.think()
            try backend.check()
            try await server.mark(free, parked: [], sink: "", backend)
            server.unlockRows(of: backend)
            return RemarkedRows(locked: Set(standing).subtracting(free).sorted())
        }
    }

    func isEmpty() async throws -> Bool {
        try await run { server, _ in server.tables.unpublished.rows.isEmpty }
    }

    /// A statement; where it fails, the transaction is over.
    private func run<Value: Sendable>(
        _ body: @escaping @Sendable (SimulatedServer, Backend) async throws -> Value
    ) async throws -> Value {
        let server = link.server
        return try await link.run { backend in
            do {
                await server.think()
                try backend.check()
                if server.plan.faultsAreOn(at: server.scheduler.now), server.dice.chance(server.plan.failures) {
                    throw ServerFailure.failed("by the simulation")
                }
                return try await body(server, backend)
            } catch {
                if backend.isAlive { server.unlockRows(of: backend) }
                throw error
            }
        }
    }
}

extension SimulatedServer {
    /// Marks rows as published, parks some of them, and commits.
    fileprivate func mark(_ ids: [Int64], parked: [Parking], sink: String, _ backend: Backend) async throws {
        guard !ids.isEmpty else { return }
        let change = Change(published: ids) { tables in
            for parking in parked {
                guard let row = tables.row(parking.id) else { continue }
                tables.parked.append(.init(sink: sink, row: row, isBehind: false, isRequested: false))
            }
            for id in ids { if let row = tables.unpublished.remove(id) { tables.published.insert(row) } }
        }
        try await commit(change, in: backend.incarnation) { !backend.isAlive }
        try backend.check()
        trace("relay \(backend.process.number): marks \(ids)" + (parked.isEmpty ? "" : ", parks \(parked.map(\.id))"))
    }
}
