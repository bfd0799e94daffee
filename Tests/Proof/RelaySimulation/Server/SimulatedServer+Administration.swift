import RelayCore

/// `outbox_sink` as it is locked: by many leaders' transactions, or by one administrator.
struct SinkTableLock {
    var leaders: Set<Int32> = []
    var administrator: Int32?
}

extension SimulatedServer {
    /// A leader's transaction reads the sinks, or writes them: beside others, not beside an administrator. To be called
    /// before anything is read.
    func withSinkTable<Value>(_ backend: Backend, _ body: () async throws -> Value) async throws -> Value {
        while sinkTable.administrator != nil, !scheduler.isOver {
            await scheduler.pause(300)
            try backend.check()
        }
        sinkTable.leaders.insert(backend.pid)
        defer { sinkTable.leaders.remove(backend.pid) }
        return try await body()
    }

    /// Registers, moves or removes a sink: what `SinkAdministrator` does.
    ///
    /// - Throws: ``SinkAdministrationRefusal``, ``ServerFailure``.
    func administer(_ request: SinkRequest, isByHand: Bool, isCut: @escaping () -> Bool = { false }) async throws {
        let (pid, began) = (newPid(), incarnation)
        func check() throws {
            guard began == incarnation, isUp, !isCut(), !scheduler.isOver else { throw ServerFailure.connectionLost }
        }
        try check()
        while sinkTable.administrator != nil {
            await scheduler.pause(300)
            try check()
        }
        sinkTable.administrator = pid
        defer { if sinkTable.administrator == pid { sinkTable.administrator = nil } }
        while !sinkTable.leaders.isEmpty {
            await scheduler.pause(300)
            try check()
        }
        let facts = facts(for: request)
        let decision = try SinkAdministration(request, facts)
        await think()
        try check()
        let ranges = decision.ranges.applied(to: tables.absent, owed: Set(tables.owed.map(\.id)).sorted())
        trace("an administrator: \(request)")
        let (generation, isMutant) = (tables.generation + 1, plan.mutant == .movedWithoutRanges)
        var change = Change { tables in
            tables.generation = max(tables.generation, generation)
            tables.sinks.removeAll { decision.deleted.contains($0.name) || $0.name == decision.written?.name }
            tables.owed.removeAll { decision.deleted.contains($0.sink) }
            if var sink = decision.written {
                sink.generation = generation
                tables.sinks.append(sink)
                tables.sinks.sort { $0.name < $1.name }
            }
            if !isMutant { tables.absent = ranges }
        }
        change.placement = SinkPlacement(request, decision, before: facts.sinks)
        change.placement?.isByHand = isByHand
        try await commit(change, in: began, isCut: isCut)
    }

    private func facts(for request: SinkRequest) -> SinkAdministrationFacts {
        var goal: Int64 = 0
        if case .add(_, .id(let id)) = request { goal = tables.highestRow(through: id - 1) ?? 0 }
        if case .move(_, .id(let id)) = request { goal = tables.highestRow(through: id - 1) ?? 0 }
        let oldest = tables.unpublished.lowest
        return SinkAdministrationFacts(
            sinks: tables.sinks, goal: goal,
            highestRow: tables.highestRow(through: .max - 1) ?? 0, oldestUnpublished: oldest,
            rowBelowOldest: oldest.flatMap { tables.highestRow(through: $0 - 1) } ?? 0)
    }
}

/// Where an administrator has put a sink, as far as it matters to what the sink must have.
struct SinkPlacement: Sendable {
    enum Passed: Sendable {
        /// Whatever is there: the sink goes, or nobody knows yet where it begins.
        case everything
        /// Events at or below are not for this sink, and those above are.
        case through(Int64)
        /// The same, but for those below that it was to have before.
        case alsoThrough(Int64)
    }

    var sink: String
    var passed: Passed
    /// An administrator wants it so, not the relay.
    var isByHand = false

    init(sink: String, passed: Passed) {
        (self.sink, self.passed) = (sink, passed)
    }

    fileprivate init(_ request: SinkRequest, _ decision: SinkAdministration, before: [SinkRegistration]) {
        sink = request.name
        guard let written = decision.written, !written.isRemoving, written.isFixed else {
            passed = .everything
            return
        }
        let old = before.first { $0.name == request.name }
        if let old, old.isFixed, written.cursor >= old.cursor {
            passed = .alsoThrough(written.passThrough ?? 0)
        } else {
            passed = .through(written.passThrough ?? written.cursor)
        }
    }
}
