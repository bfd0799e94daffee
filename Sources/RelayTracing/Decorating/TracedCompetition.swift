import RelayCore
import Tracing

/// An outbox that relays share, each of whose marks is a span: as ``TracedDatabase`` with settlements.
package struct TracedCompetition: CompetingOutbox {
    private let base: any CompetingOutbox
    private let tracer: any Tracer

    package init(_ base: any CompetingOutbox, by tracer: any Tracer) {
        self.base = base
        self.tracer = tracer
    }

    package func open(_ report: @escaping @Sendable (WaitingReport) -> Void) async throws -> any CompetingTenure {
        TracedTenure(base: try await base.open(report), tracer: tracer)
    }
}

private struct TracedTenure: CompetingTenure {
    let base: any CompetingTenure
    let tracer: any Tracer

    func mark(_ ids: [Int64], parked: [Parking], sink: String) async throws -> [RowFault] {
        // A claim that ends with nothing.
        if ids.isEmpty, parked.isEmpty { return try await base.mark(ids, parked: parked, sink: sink) }
        let span = SettlementSpan(events: ids.count + parked.count, parked: parked.count, sinks: 1)
        return try await span.trace(by: tracer) { try await base.mark(ids, parked: parked, sink: sink) }
    }

    func claim(rows: Int, bytes: Int, without: [Int64]) async throws -> (rows: FetchedRows, unreadable: [RowFault]) {
        try await base.claim(rows: rows, bytes: bytes, without: without)
    }
    func remark(_ rows: [UnmarkedRow]) async throws -> RemarkedRows { try await base.remark(rows) }
    func isEmpty() async throws -> Bool { try await base.isEmpty() }

    func isLoss(_ error: any Error) -> Bool { base.isLoss(error) }
    func lostRace(_ error: any Error) -> Bool { base.lostRace(error) }
    func close() async { await base.close() }
}
