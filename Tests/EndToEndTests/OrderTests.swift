import Libpq
import RelayTestKit
import Testing

/// Commit order is not id order; the relay's is.
@Suite(.heavy) struct OrderTests {
    private static let row = "(aggregate_type, aggregate_id, event_type, payload) VALUES ('t', 'a', 't.x', '{}')"

    @Test(arguments: Mode.allCases) func aLowerIDCommitsLater(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await database.insert(2)
        try await database.withConnection { slow in
            try await slow.execute(SQLText(trusting: "BEGIN; INSERT INTO outbox \(Self.row)"))
            let above = try await database.insert(4)
            let hold = try await relay.waitForLog("order_hold")
            #expect(hold.fields["pid"] == "\(slow.info.backendPID)", "\(hold)")
            #expect(relay.output.ids == [1, 2])
            try await slow.execute("COMMIT")
            try await relay.waitForEvent(id: above)
        }
        #expect(relay.output.ids == Array(1...7))
        try await relay.stop()
    }

    /// A transaction is left open, for ten minutes in the long form, while others write: what is below it goes out, what is
    /// above waits, and all of it comes once the transaction ends.
    @Test(arguments: Mode.allCases) func aTransactionIsLeftOpen(_ mode: Mode) async throws {
        let length = isLongSoak ? Duration.seconds(600) : .seconds(5)
        // A server of its own: no slot is created on one while such a transaction lasts.
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        let relay = try await RelayProcess.leading(database, mode)
        try await database.insert(2)
        var last: Int64 = 0
        try await database.withConnection { slow in
            try await slow.execute(
                SQLText(trusting: "SET application_name = 'importer'; BEGIN; INSERT INTO outbox \(Self.row)"))
            let begin = ContinuousClock.now
            repeat { last = try await database.insert(1) } while ContinuousClock.now - begin < length
            let hold = try await relay.waitForLog("order_hold")
            #expect(hold.fields["pid"] == "\(slow.info.backendPID)", "\(hold)")
            #expect(hold.fields["application_name"] == "importer", "\(hold)")
            #expect(hold.fields["above_id"] == "2", "\(hold)")
            #expect(hold.fields["seconds"] != nil, "\(hold)")
            #expect(relay.output.ids == [1, 2])
            try await slow.execute("COMMIT")
            try await relay.waitForEvent(id: last)
        }
        #expect(relay.output.ids == Array(1...last))
        #expect(relay.log.entries(of: "order_hold").count == 1)
        try await database.becomesSettled(within: .seconds(60))
        try await relay.stop()
        try await cluster.stop()
    }

    @Test(arguments: Mode.allCases) func gapsThatNobodyFills(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await database.execute("BEGIN; INSERT INTO outbox \(Self.row); ROLLBACK")
        try await database.execute(
            "BEGIN; INSERT INTO outbox \(Self.row); SAVEPOINT s; INSERT INTO outbox \(Self.row); ROLLBACK TO s; COMMIT")
        try await database.execute("SELECT nextval('outbox_id_seq') FROM generate_series(1, 100)")
        let last = try await database.insert(1)
        try await relay.waitForEvent(id: last)
        try await database.becomesSettled()
        try await relay.stop()
        try await expectComplete(database, [relay])
        #expect(relay.output.ids == [2, last])
    }

    @Test(arguments: Mode.allCases) func aPreparedTransactionHoldsTheOrder(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        let gid = "held \(database.name)"
        try await database.execute("BEGIN; INSERT INTO outbox \(Self.row); PREPARE TRANSACTION '\(gid)'")
        let last = try await database.insert(3)
        let hold = try await relay.waitForLog("order_hold")
        #expect(hold.fields["gid"] == gid, "\(hold)")
        #expect(hold.fields["message"]?.contains("wait for the prepared transaction \(gid) to end") == true, "\(hold)")
        #expect(relay.output.count == 0)
        try await database.execute("COMMIT PREPARED '\(gid)'")
        try await relay.waitForEvent(id: last)
        #expect(relay.output.ids == [1, 2, 3, 4])
        try await relay.stop()
    }

    /// Whoever holds the order back next is named, once the first is gone.
    @Test(arguments: Mode.allCases) func theNextHolderIsNamed(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await database.withConnection { one in
            try await database.withConnection { other in
                try await one.execute("BEGIN; SELECT nextval('outbox_id_seq')")
                try await other.execute("BEGIN; SELECT nextval('outbox_id_seq')")
                let last = try await database.insert(2)
                let hold = try await relay.waitForLog("order_hold")
                let isOne = hold.fields["pid"] == "\(one.info.backendPID)"
                let (first, next) = isOne ? (one, other) : (other, one)
                #expect(hold.fields["pid"] == "\(first.info.backendPID)", "\(hold)")
                try await first.execute("ROLLBACK")
                try await relay.waitForLog("order_hold") { $0.fields["pid"] == "\(next.info.backendPID)" }
                #expect(relay.output.count == 0)
                try await next.execute("ROLLBACK")
                try await relay.waitForEvent(id: last)
            }
        }
        try await relay.stop()
        #expect(relay.log.entries(of: "order_hold").count == 2, "\(relay.log.text)")
    }

    @Test(arguments: Mode.allCases) func aSlowTransactionHoldsBackOnlyWhatIsAboveIt(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { slow in
            try await database.withConnection { slower in
                try await slow.execute(SQLText(trusting: "BEGIN; INSERT INTO outbox \(Self.row)"))
                try await database.insert(3)
                let relay = try RelayProcess.run(database, ["--mode", mode.rawValue])
                try await relay.waitForLog("order_hold")
                // By now the relay has scanned: the second holder's floor lies above the first three.
                try await slower.execute(SQLText(trusting: "BEGIN; INSERT INTO outbox \(Self.row)"))
                try await database.insert(2)
                try await slow.execute("COMMIT")
                try await relay.waitForEvent(id: 4)
                #expect(relay.output.ids == [1, 2, 3, 4])
                try await slower.execute("ROLLBACK")
                try await relay.waitForEvent(id: 7)
                #expect(relay.output.ids == [1, 2, 3, 4, 6, 7])
                try await relay.stop()
            }
        }
    }
}
