import MetricsTestKit
import RelayTestKit
import Synchronization
import Testing
import Tracing

@testable import RelayCore
@testable import RelayTracing

@Suite("Settlements as spans")
struct TracedDatabaseTests {
    private let queue = SpanQueue(factory: TestMetrics())

    private func sessions(_ stub: StubSessions) async throws -> any LeaderSessions {
        let database = TracedDatabase(StubDatabase(sessions: stub), by: RelayTracer(to: queue))
        let outcome = try await database.lead(known: KnownProgress(), lastEpoch: 4, unsettled: []) { _ in }
        guard case .leads(let sessions) = outcome else { throw KitFailure("it does not lead: \(outcome)") }
        return sessions
    }

    private let lanes = [
        LaneProgress(
            sink: "a", generation: 1, done: [1, 2, 3], parked: [Parking(id: 2, reason: "no")]),
        LaneProgress(sink: "b", generation: 1, done: [], owedDone: [7]),
        LaneProgress(sink: "c", generation: 1, done: []),
    ]

    @Test func eachIsARoot() async throws {
        let sessions = try await sessions(StubSessions())
        #expect(sessions.epoch == 5)
        let state = try await sessions.work.settle(lanes, inClaim: true)
        #expect(state.lockedRow == 42)
        let spans = queue.take()
        let span = try #require(spans.first)
        #expect(spans.count == 1 && span.name == "settle" && span.kind == .client)
        #expect(span.parent == nil && span.status == nil && span.links.isEmpty)
        let expected: SpanAttributes = [
            "messaging.system": "outbox_relay", "messaging.operation.name": "settle",
            "messaging.operation.type": "settle", "db.system.name": "postgresql",
            "messaging.batch.message_count": .int64(4), "outbox.settlement.parked": .int64(1),
            "outbox.settlement.sinks": .int64(2),
        ]
        #expect(span.attributes == expected)
    }

    @Test func oneThatFailsSaysWhy() async throws {
        let sessions = try await sessions(StubSessions(failure: KitFailure("the row is locked")))
        await #expect(throws: KitFailure.self) { _ = try await sessions.work.settle(lanes, inClaim: false) }
        let span = try #require(queue.take().first)
        #expect(span.status == SpanStatus(code: .error))
        #expect(span.attributes.get("error.type") == .string("KitFailure"))
    }

    @Test func oneThatBringsNothingIsNone() async throws {
        let sessions = try await sessions(StubSessions())
        let state = try await sessions.work.settle([lanes[2]], inClaim: false)
        #expect(state.lockedRow == 42 && queue.count == 0)
    }

    @Test func allElsePassesThrough() async throws {
        let stub = StubSessions()
        let sessions = try await sessions(stub)
        let read = ReadRequest(sink: "a", after: 1, through: 2, rows: 3, bytes: 4, idsOnly: false)
        _ = try await sessions.readTail(TailRequest(rows: read, transactions: [], wantsEdges: false))
        _ = try await sessions.read(read)
        _ = try await sessions.readOwed([1])
        _ = try await sessions.readParked("a", [1])
        _ = try await sessions.watch.scan()
        _ = try await sessions.work.claim(
            ClaimRequest(after: 1, below: nil, rows: 1, bytes: 1, probesFirst: false))
        try await sessions.work.endClaim()
        _ = try await sessions.work.recheckGaps(IDRanges())
        _ = try await sessions.work.fixStarts(closedThrough: 1, firstScanIsOver: true)
        await sessions.stream { _ in }
        #expect(sessions.isLoss(KitFailure("lost")) && sessions.opened.sinks.isEmpty)
        await sessions.close()
        #expect(
            stub.calls == [
                "readTail", "read", "readOwed", "readParked", "scan", "claim", "endClaim", "recheckGaps", "fixStarts",
                "stream", "isLoss", "close",
            ])
        #expect(queue.count == 0)
    }

    @Test func marksOfRelaysThatShareTheLoad() async throws {
        let outbox = TracedCompetition(StubCompetition(), by: RelayTracer(to: queue))
        let tenure = try await outbox.open { _ in }
        #expect(try await tenure.mark([1, 2], parked: [Parking(id: 3, reason: "no")], sink: "a").count == 1)
        let span = try #require(queue.take().first)
        #expect(span.name == "settle")
        #expect(span.attributes.get("messaging.batch.message_count") == .int64(3))
        #expect(span.attributes.get("outbox.settlement.parked") == .int64(1))
        _ = try await tenure.mark([], parked: [], sink: "a")
        #expect(try await tenure.isEmpty())
        #expect(tenure.lostRace(KitFailure("lost")) && !tenure.isLoss(KitFailure("lost")))
        await tenure.close()
        #expect(queue.count == 0)
    }
}

private struct StubDatabase: OutboxDatabase {
    let sessions: StubSessions

    func lead(
        known: KnownProgress, lastEpoch: Int64, unsettled: [DeliveredRow],
        report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> LeadOutcome {
        lastEpoch == 4 ? .leads(sessions) : .drained
    }
}

/// Notes what is called.
private final class StubSessions: LeaderSessions, LeaderWatch, LeaderWork {
    private let failure: KitFailure?
    private let called = Mutex<[String]>([])

    init(failure: KitFailure? = nil) { self.failure = failure }

    var calls: [String] { called.withLock { $0 } }
    private func note(_ call: String) { called.withLock { $0.append(call) } }

    let epoch: Int64 = 5
    var opened: OpenedSessions { OpenedSessions(sinks: []) }
    var watch: any LeaderWatch { self }
    var work: any LeaderWork { self }

    func readTail(_ request: TailRequest) async throws -> FetchedTail {
        note("readTail")
        return FetchedTail(rows: FetchedRows(batch: nil, ids: [], reachedEnd: true), lastValue: nil)
    }
    func read(_ request: ReadRequest) async throws -> FetchedRows { rows("read") }
    func readOwed(_ ids: [Int64]) async throws -> FetchedRows { rows("readOwed") }
    func readParked(_ sink: String, _ ids: [Int64]) async throws -> FetchedRows { rows("readParked") }
    func rowsHeld(by sink: String) async throws -> HeldRows {
        note("rowsHeld")
        return HeldRows(rows: 0, bytes: 0)
    }
    func purgePage(olderThan age: Int64) async throws -> PurgedPage {
        note("purgePage")
        return PurgedPage()
    }
    private func rows(_ call: String) -> FetchedRows {
        note(call)
        return FetchedRows(batch: nil, ids: [], reachedEnd: true)
    }
    func stream(_ report: @escaping @Sendable (StreamReport) async -> Void) async { note("stream") }
    func isLoss(_ error: any Error) -> Bool {
        note("isLoss")
        return true
    }
    func close() async { note("close") }

    func beat() async throws -> LeaderBeat { throw KitFailure("no beat") }
    func scan() async throws -> SequenceScan {
        note("scan")
        return SequenceScan(lastValue: 1, holders: [])
    }
    func describe(_ cause: OrderHold.Cause) async throws -> HolderDescription? { nil }
    func standingWaits() async throws -> [StandingWait] { [] }
    func note(_ status: LeaderStatus) async throws {}
    func writeStop(_ travel: TimeTravel) async throws -> Bool { false }

    func claim(_ request: ClaimRequest) async throws -> FetchedClaim {
        FetchedClaim(rows: rows("claim"))
    }
    func endClaim() async throws { note("endClaim") }
    func recheckGaps(_ gaps: IDRanges) async throws -> RowsInGaps {
        note("recheckGaps")
        return RowsInGaps()
    }
    func settle(_ lanes: [LaneProgress], inClaim: Bool) async throws -> SettledState {
        if let failure { throw failure }
        return SettledState(sinks: [], lockedRow: 42)
    }
    func sweep(_ request: SweepRequest, known: KnownProgress) async throws -> SweptState {
        throw KitFailure("no sweep")
    }
    func fixStarts(closedThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration] {
        note("fixStarts")
        return []
    }
}

private struct StubCompetition: CompetingOutbox {
    func open(_ report: @escaping @Sendable (WaitingReport) -> Void) async throws -> any CompetingTenure {
        StubTenure()
    }
}

private struct StubTenure: CompetingTenure {
    func claim(rows: Int, bytes: Int, without: [Int64]) async throws -> (rows: FetchedRows, unreadable: [RowFault]) {
        throw KitFailure("no claim")
    }
    func mark(_ ids: [Int64], parked: [Parking], sink: String) async throws -> [RowFault] {
        [RowFault(id: 1, work: .mark, reason: "no")]
    }
    func remark(_ rows: [UnmarkedRow]) async throws -> RemarkedRows { RemarkedRows() }
    func isEmpty() async throws -> Bool { true }
    func isLoss(_ error: any Error) -> Bool { false }
    func lostRace(_ error: any Error) -> Bool { true }
    func close() async {}
}
