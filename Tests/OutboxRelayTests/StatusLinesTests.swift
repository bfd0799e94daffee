import PostgresOutbox
import Testing

@testable import OutboxRelay

/// The status as people see it.
@Suite struct StatusLinesTests {
    private func text(_ status: RelayStatus) -> [String] { status.text(colours: false).components }

    @Test func aTableOfTheSinks() {
        var status = RelayStatus()
        status.leader = RelayStatus.Leader(
            pid: 4711, applicationName: "outbox-relay leader", host: "db1", since: "2026-11-20T22:16:30.213327Z")
        status.mode = "wal"
        status.streaming = true
        status.unpublished = 56
        status.sinks = [
            RelayStatus.Sink(
                name: "billing", deliveredThrough: 1234, lagEvents: 56, lagSeconds: 185, parked: 3, state: "retrying",
                lastError: "connection\nrefused"),
            RelayStatus.Sink(
                name: "stdout", configured: false, deliveredThrough: 1230, lagEvents: 60, lagSeconds: 200, parked: 0,
                state: "stopped"),
        ]
        #expect(
            text(status) == [
                "leader: pid 4711 on db1 since 2026-11-20T22:16:30.213327Z, mode wal, streaming", "unpublished: 56", "",
                "SINK     STATE     DELIVERED THROUGH  BEHIND  OLDEST  PARKED  LAST ERROR",
                "billing  retrying               1234      56   3m 5s       3  connection refused",
                "stdout   stopped                1230      60  3m 20s       0  -",
                "sink stdout is registered but not configured: 60 events stay unpublished for it; configure it, "
                    + "or let go of them: outbox-relay sinks remove stdout",
            ])
        let coloured = status.text(colours: true)
        #expect(coloured.contains("\u{1B}[33mretrying\u{1B}[0m") && coloured.contains("\u{1B}[31mstopped\u{1B}[0m"))
    }

    @Test func whatCannotBeReadAndWhatHolds() {
        var status = RelayStatus()
        status.stoppedReason = "the sequence went back"
        status.orderHold = RelayStatus.OrderHold(pid: 7, applicationName: "psql", seconds: 3, aboveID: 10)
        status.waits = [
            SessionWait(
                role: "work", pid: 12, seconds: 3.7, cause: "lock on outbox_sink",
                heldBy: [SessionWait.Holder(pid: 9, applicationName: "an operator")])
        ]
        status.sinks = [RelayStatus.Sink(name: "hook", state: "blocked")]
        #expect(
            text(status) == [
                "leader: none", "stopped: the sequence went back", "unpublished: unknown",
                "waiting: work session (pid 12), 3s, for lock on outbox_sink, held by pid 9 (an operator)",
                "order held: by pid 7 (psql) for 3s; events above id 10 wait", "",
                "SINK  STATE    DELIVERED THROUGH  BEHIND  OLDEST  PARKED  LAST ERROR",
                "hook  blocked                  ?       ?       ?       ?  -",
            ])
        status.orderHold = RelayStatus.OrderHold(
            seconds: 0, aboveID: 499, row: RelayStatus.Row(id: 500, isUnreadable: true, reason: "invalid byte sequence")
        )
        let row =
            "order held: event 500 cannot be read (invalid byte sequence); later events wait; fix or delete its row"
        #expect(text(status).contains(row))
        status.sinks = []
        #expect(text(status).last == "the sinks cannot be read")
        status.waits = []
        #expect(text(status).last == "no sink is registered")
    }

    @Test func aCountThatStoppedSaysSo() {
        #expect(RelayStatus.counted(RelayStatus.countLimit) == "10000000 or more")
        #expect(RelayStatus.counted(RelayStatus.countLimit - 1) == "9999999")
    }
}

extension String {
    /// Its lines, empty ones as well.
    fileprivate var components: [String] {
        split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
