import RelayCore
import Tracing

/// An outbox each of whose settlements is a span. Everything else passes as it is.
package struct TracedDatabase: OutboxDatabase {
    private let base: any OutboxDatabase
    private let tracer: any Tracer

    package init(_ base: any OutboxDatabase, by tracer: any Tracer) {
        self.base = base
        self.tracer = tracer
    }

    package func lead(
        known: KnownProgress, lastEpoch: Int64, unsettled: [DeliveredRow],
        report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> LeadOutcome {
        let outcome = try await base.lead(
            known: known, lastEpoch: lastEpoch, unsettled: unsettled, report: report)
        switch outcome {
        case .leads(let sessions): return .leads(TracedSessions(sessions, by: tracer))
        case .drained: return .drained
        }
    }
}

private struct TracedSessions: LeaderSessions {
    let work: any LeaderWork
    private let base: any LeaderSessions

    init(_ base: any LeaderSessions, by tracer: any Tracer) {
        self.base = base
        work = TracedWork(base: base.work, tracer: tracer)
    }

    var epoch: Int64 { base.epoch }
    var opened: OpenedSessions { base.opened }
    var watch: any LeaderWatch { base.watch }

    func readTail(_ request: TailRequest) async throws -> FetchedTail { try await base.readTail(request) }
    func read(_ request: ReadRequest) async throws -> FetchedRows { try await base.read(request) }
    func readOwed(_ ids: [Int64]) async throws -> FetchedRows { try await base.readOwed(ids) }
    func readParked(_ sink: String, _ ids: [Int64]) async throws -> FetchedRows {
        try await base.readParked(sink, ids)
    }
    func rowsHeld(by sink: String) async throws -> HeldRows { try await base.rowsHeld(by: sink) }
    func purgePage(olderThan age: Int64) async throws -> PurgedPage { try await base.purgePage(olderThan: age) }

    func stream(_ report: @escaping @Sendable (StreamReport) async -> Void) async { await base.stream(report) }

    func isLoss(_ error: any Error) -> Bool { base.isLoss(error) }
    func close() async { await base.close() }
}

private struct TracedWork: LeaderWork {
    let base: any LeaderWork
    let tracer: any Tracer

    func settle(_ lanes: [LaneProgress], inClaim: Bool) async throws -> SettledState {
        let bringing = lanes.filter { !$0.done.isEmpty || !$0.owedDone.isEmpty || !$0.parkedOutcomes.isEmpty }
        // The lanes bring nothing: it only looks at how the sinks stand.
        guard !bringing.isEmpty else { return try await base.settle(lanes, inClaim: inClaim) }
        let span = SettlementSpan(
            events: bringing.reduce(0) { $0 + $1.done.count + $1.owedDone.count + $1.parkedOutcomes.count },
            parked: bringing.reduce(0) { $0 + $1.parked.count }, sinks: bringing.count)
        return try await span.trace(by: tracer) { try await base.settle(lanes, inClaim: inClaim) }
    }

    func claim(_ request: ClaimRequest) async throws -> FetchedClaim { try await base.claim(request) }
    func endClaim() async throws { try await base.endClaim() }
    func recheckGaps(_ gaps: IDRanges) async throws -> RowsInGaps { try await base.recheckGaps(gaps) }
    func sweep(_ request: SweepRequest, known: KnownProgress) async throws -> SweptState {
        try await base.sweep(request, known: known)
    }
    func fixStarts(closedThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration] {
        try await base.fixStarts(closedThrough: closedThrough, firstScanIsOver: firstScanIsOver)
    }
}
