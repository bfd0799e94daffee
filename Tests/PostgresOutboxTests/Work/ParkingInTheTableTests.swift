import RelayCore
import RelayTestKit
import Testing

@testable import PostgresOutbox

/// What a work session does with events that are parked, or are to be.
@Suite struct ParkingInTheTableTests {
    /// Rows 1, 2, … of these keys, and the sink a at the beginning.
    private func outbox(_ keys: String...) async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        for key in keys {
            try await database.execute(
                """
                INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, headers)
                VALUES ('t', '\(key)', 't.made', '{"n": 1}', '{"correlation_id": "c"}')
                """)
        }
        try await database.register(["a": 0])
        return database
    }

    private func settle(_ work: WorkSession, _ parked: Parking...) async throws {
        let lane = LaneProgress(sink: "a", generation: 1, done: parked.map(\.id), parked: parked)
        #expect(try await work.settle([lane], inClaim: false).sinks.map(\.cursor) == parked.suffix(1).map(\.id))
    }

    private func sweep(_ work: WorkSession) async throws -> SweptState {
        try await work.sweep(SweepRequest(tail: 100), known: KnownProgress())
    }

    @Test func whatIsParkedIsACopyOfTheRow() async throws {
        let database = try await outbox("x", "y")
        try await database.execute("INSERT INTO outbox_parked_request (sink, id) VALUES ('a', 2), ('b', 2), ('a', 7)")
        try await database.withWork { work in
            let lane = LaneProgress(sink: "a", generation: 1, done: [1, 2], parked: [Parking(id: 2, reason: "no")])
            _ = try await work.settle([lane], inClaim: false)
            let parked = try await database.query(
                """
                SELECT id, reason, behind, attempts, requested,
                  (p.aggregate_type, p.aggregate_id, p.event_type, p.payload, p.headers, p.created_at)
                    = (o.aggregate_type, o.aggregate_id, o.event_type, o.payload, o.headers, o.created_at)
                FROM outbox_parked AS p JOIN outbox AS o USING (id)
                """)
            #expect(parked == [["2", "no", nil, "1", nil, "t"]])
            #expect(try await database.published() == [1, 2])
            let left = try await database.lines("SELECT sink || ' ' || id FROM outbox_parked_request ORDER BY 1")
            #expect(left == ["a 7", "b 2"])
        }
    }

    /// Somebody asked for the old version to be discarded; then the mark was undone, and the row changed or not.
    @Test(
        arguments: [
            ("payload", ["2.0 again nil 1 "]), ("aggregate_id", ["1 again nil 1 "]), (nil, ["1 no nil 3 discard"]),
        ] as [(String?, [String])])
    func anotherVersionIsParkedAnew(_ column: String?, _ then: [String]) async throws {
        let database = try await outbox("x")
        try await database.withWork { work in
            try await settle(work, Parking(id: 1, reason: "no"))
            try await database.execute("UPDATE outbox_parked SET requested = 'discard', attempts = 3")
            let change = column.map { $0 == "payload" ? "payload = '{\"n\": 2.0}'," : "\($0) = 'y'," } ?? ""
            try await database.execute("UPDATE outbox SET \(change) published_at = NULL")
            try await database.execute("INSERT INTO outbox_late (sink, id) VALUES ('a', 1)")
            let lane = LaneProgress(
                sink: "a", generation: 1, done: [], owedDone: [1], parked: [Parking(id: 1, reason: "again")])
            _ = try await work.settle([lane], inClaim: false)
            let parked = try await database.lines(
                """
                SELECT concat_ws(' ', payload ->> 'n', reason, coalesce(behind::text, 'nil'), attempts,
                  coalesce(requested, '')) FROM outbox_parked AS p
                WHERE EXISTS (SELECT FROM outbox AS o WHERE o.aggregate_id = p.aggregate_id)
                """)
            #expect(parked == then)
            #expect(try await database.published() == [1])
        }
    }

    /// Else a retry of all would never catch up with a busy key.
    @Test(arguments: [("NULL", ["1", "2"]), ("'retry'", ["1 retry", "2 retry"]), ("'discard'", ["1 discard", "2"])])
    func anEventIsTriedWithThoseBeforeItWhereAllOfThemAre(_ asked: String, _ then: [String]) async throws {
        let database = try await outbox("x", "x")
        try await database.withWork { work in
            try await settle(work, Parking(id: 1, reason: "no"))
            try await database.execute("UPDATE outbox_parked SET requested = \(asked)")
            try await settle(work, Parking(id: 2, behind: 1))
            #expect(try await database.parked() == then)
        }
    }

    @Test func whatWasTriedAgainAndDeliveredIsParkedNoLonger() async throws {
        let database = try await outbox("x", "x")
        try await database.withWork { work in
            try await settle(work, Parking(id: 1, reason: "no"), Parking(id: 2, behind: 1))
            try await database.execute("UPDATE outbox_parked SET requested = 'retry'")
            let lane = LaneProgress(sink: "a", generation: 1, done: [], parkedOutcomes: [ParkedOutcome(id: 1)])
            _ = try await work.settle([lane], inClaim: false)
            #expect(try await database.parked() == ["2 retry"])
        }
    }

    /// Nothing of its key that is behind it is tried before somebody asks again.
    @Test func whatIsRejectedOnceMoreStaysAndTheRestOfItsKeyWaits() async throws {
        let database = try await outbox("x", "x", "y")
        try await database.withWork { work in
            try await settle(
                work, Parking(id: 1, reason: "no"), Parking(id: 2, behind: 1), Parking(id: 3, reason: "no"))
            try await database.execute("UPDATE outbox_parked SET requested = 'retry'")
            let retry = ParkedOutcome(id: 1, rejection: "again")
            _ = try await work.settle(
                [LaneProgress(sink: "a", generation: 1, done: [], parkedOutcomes: [retry])], inClaim: false)
            #expect(try await database.parked() == ["1", "2", "3 retry"])
            #expect(
                try await database.query("SELECT reason, attempts FROM outbox_parked WHERE id = 1") == [["again", "2"]])
        }
    }

    @Test func aSweepGivesOutWhatIsToBeTriedInTheOrderOfItsKey() async throws {
        let database = try await outbox("x", "x", "y")
        try await database.withWork { work in
            try await settle(
                work, Parking(id: 1, reason: "no"), Parking(id: 2, behind: 1), Parking(id: 3, reason: "no"))
            try await database.execute("UPDATE outbox_parked SET requested = 'retry' WHERE id > 1")
            #expect(try await sweep(work).parkedToRetry == ["a": [3]], "2 is behind 1, which nobody wants tried")
            try await database.execute("UPDATE outbox_parked SET requested = 'retry' WHERE id = 1")
            #expect(try await sweep(work).parkedToRetry == ["a": [1, 2, 3]])
        }
    }

    /// Keys are told where something of them changed.
    @Test func aSweepDiscardsAndSaysWhichKeysAreParkedStill() async throws {
        let database = try await outbox("x", "y")
        try await database.withWork(parkingByKey: ["a"]) { work in
            try await settle(work, Parking(id: 1, reason: "no"), Parking(id: 2, reason: "no"))
            #expect(try await sweep(work).parkedKeys == nil)
            try await database.execute("UPDATE outbox_parked SET requested = 'discard' WHERE id = 1")
            #expect(try await sweep(work).parkedKeys == ["a": [EventKey("y"): 2]])
            #expect(try await database.parked() == ["2"])
        }
    }

    /// A leader is told once what somebody wants parked, its successor again.
    @Test func aSweepTakesRequestsToParkAndForgetsThoseThatCameTooLate() async throws {
        let database = try await outbox("x", "x", "x")
        try await database.execute(
            """
            UPDATE outbox SET published_at = now() WHERE id = 1; UPDATE outbox_sink SET delivered_through = 1;
            INSERT INTO outbox_parked_request (sink, id) VALUES ('a', 1), ('a', 3)
            """)
        try await database.withWork { work async throws in
            #expect(try await sweep(work).parkRequests == ["a": [3]])
            #expect(try await database.numbers("SELECT id FROM outbox_parked_request") == [3])
            #expect(try await sweep(work).parkRequests == [:])
        }
        try await database.execute("UPDATE outbox_leader SET epoch = epoch + 1")
        try await database.withWork { work async throws in
            #expect(try await sweep(work).parkRequests == ["a": [3]])
        }
    }
}
