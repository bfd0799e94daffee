import PostgresOutbox
import RelayCore
import Testing

@Suite("What the server streams")
struct PgoutputDecoderTests {
    @Test func aTransaction() throws {
        var receiver = Receiver()
        #expect(try receiver.receive(wal: Messages.begin(777, finalLSN: 5)) == .begin(transaction: 777, finalLSN: 5))
        #expect(try receiver.receive(wal: Messages.relation()) == .relationChanged)
        #expect(try receiver.receive(wal: Messages.insert()) == .inserted(id: 42))
        #expect(try receiver.receive(wal: Messages.commit(5, endLSN: 9)) == .commit(commitLSN: 5, endLSN: 9))
        #expect(try receiver.receive(wal: Messages.begin(778)) == .begin(transaction: 778, finalLSN: 200))
        #expect(try receiver.receive(wal: Messages.insert()) == .inserted(id: 42))
        try receiver.receive(wal: Messages.commit())

        #expect(receiver.ids == [42, 42])
    }

    /// What a PostgreSQL 15 sent for one insert into the leaf of the shipped migrations.
    @Test func recordedTransaction() throws {
        var receiver = Receiver()
        for message in Recording.transaction { try receiver.receive(wal: message) }
        #expect(receiver.ids == [1])
    }

    @Test func keepalives() throws {
        var receiver = Receiver()
        #expect(receiver.decoder.receivedLSN == 0)
        #expect(
            try receiver.receive(Messages.keepalive(5, reply: false)) == .keepalive(walEnd: 5, replyRequested: false))
        #expect(receiver.decoder.receivedLSN == 5)
        #expect(try receiver.receive(Messages.keepalive(9, reply: true)) == .keepalive(walEnd: 9, replyRequested: true))
        #expect(
            try receiver.receive(Messages.keepalive(.max, reply: true))
                == .keepalive(walEnd: .max, replyRequested: true))
    }

    @Test func receivedPositionOnlyRises() throws {
        var receiver = Receiver()
        try receiver.receive(Messages.wal(Messages.begin(1), start: 10, end: 20))
        #expect(receiver.decoder.receivedLSN == 20)
        try receiver.receive(Messages.wal(Messages.relation(), start: 0, end: 0))
        #expect(receiver.decoder.receivedLSN == 20)
        try receiver.receive(Messages.keepalive(15, reply: false))
        #expect(receiver.decoder.receivedLSN == 20)
        try receiver.receive(Messages.wal(Messages.insert(), start: 30, end: 25))
        #expect(receiver.decoder.receivedLSN == 30)
    }

    @Test func columnsAreFoundByName() throws {
        var receiver = Receiver()
        try receiver.receive(wal: Messages.begin(1))
        try receiver.receive(wal: Messages.relation())
        try receiver.receive(wal: Messages.insert())
        // Reordered, with columns added before, between and behind.
        let columns = [
            "note", "payload", "id", "created_at", "x", "event_type", "aggregate_id", "headers", "aggregate_type", "y",
        ]
        let row: [Messages.Value] = [
            .null, "{\"amount\": 1}", "42", "2026-11-20 22:16:30.213327+00", .unchanged, "transfer.posted", "9f1c",
            "{}",
            "transfer", "why",
        ]
        try receiver.receive(wal: Messages.relation(columns: columns))
        try receiver.receive(wal: Messages.insert(row: row))
        // Back again.
        try receiver.receive(wal: Messages.relation())
        try receiver.receive(wal: Messages.insert())
        // And nothing but the id, as a publication of that column alone has it.
        try receiver.receive(wal: Messages.relation(columns: ["id"]))
        try receiver.receive(wal: Messages.insert(row: ["43"]))
        #expect(receiver.ids == [42, 42, 42, 43])
    }

    @Test func onlyTheLeafCounts() throws {
        var receiver = Receiver()
        try receiver.receive(wal: Messages.begin(1))
        #expect(try receiver.receive(wal: Messages.relation(1, name: "outbox_published")) == .ignored)
        #expect(try receiver.receive(wal: Messages.relation(2, namespace: "other")) == .ignored)
        #expect(try receiver.receive(wal: Messages.relation(3, namespace: "", name: "x", columns: [])) == .ignored)
        #expect(try receiver.receive(wal: Messages.relation(4)) == .relationChanged)
        for other: UInt32 in 1...3 { #expect(try receiver.receive(wal: Messages.insert(other)) == .ignored) }
        #expect(try receiver.receive(wal: Messages.insert(4)) == .inserted(id: 42))
        // Renamed, and made anew under another id.
        #expect(try receiver.receive(wal: Messages.relation(4, name: "outbox_old")) == .ignored)
        #expect(try receiver.receive(wal: Messages.insert(4)) == .ignored)
        #expect(try receiver.receive(wal: Messages.relation(1)) == .relationChanged)
        #expect(try receiver.receive(wal: Messages.insert(1)) == .inserted(id: 42))
        #expect(receiver.ids == [42, 42])
    }

    @Test(arguments: ["U", "D", "T", "O", "Y", "M"] as [Unicode.Scalar])
    func ignored(type: Unicode.Scalar) throws {
        var receiver = Receiver()
        #expect(try receiver.receive(wal: [UInt8(ascii: type), 1, 2, 3]) == .ignored)
        #expect(receiver.decoder.receivedLSN == 100)
    }

    @Test(arguments: ["S", "E", "c", "A", "b", "P", "K", "r", "p", "Z", "\u{1}"] as [Unicode.Scalar])
    func unsupported(type: Unicode.Scalar) {
        let name = type == "\u{1}" ? "1" : "'\(type)'"
        var receiver = Receiver()
        #expect(throws: PgoutputError.unsupported(message: name)) {
            try receiver.receive(wal: [UInt8(ascii: type), 1, 2, 3])
        }
        #expect(throws: PgoutputError.unsupported(message: name)) { try receiver.receive([UInt8(ascii: type)]) }
    }

    @Test func outOfTurn() throws {
        var receiver = Receiver()
        #expect(throws: PgoutputError.unexpected(message: "Commit")) { try receiver.receive(wal: Messages.commit()) }
        #expect(throws: PgoutputError.unexpected(message: "Insert")) { try receiver.receive(wal: Messages.insert()) }
        try receiver.receive(wal: Messages.begin(1))
        #expect(throws: PgoutputError.unexpected(message: "Begin")) { try receiver.receive(wal: Messages.begin(2)) }
        #expect(throws: PgoutputError.unexpected(message: "Insert")) { try receiver.receive(wal: Messages.insert()) }
    }

    @Test func noID() throws {
        var receiver = Receiver()
        let columns = Messages.columns.filter { $0 != "id" }
        #expect(throws: PgoutputError.shape(missing: "id")) {
            try receiver.receive(wal: Messages.relation(columns: columns))
        }
        #expect(throws: PgoutputError.shape(missing: "id")) {
            try receiver.receive(wal: Messages.relation(columns: columns + ["ID", "idx"]))
        }
    }

    @Test(arguments: [Messages.Value.null, .unchanged, .binary([0, 0, 0, 0, 0, 0, 0, 1])])
    func anIDWithoutValue(value: Messages.Value) throws {
        var receiver = Receiver()
        try receiver.receive(wal: Messages.begin(1))
        try receiver.receive(wal: Messages.relation())
        var row = Messages.row
        row[0] = value
        #expect(throws: PgoutputError.self) { try receiver.receive(wal: Messages.insert(row: row)) }
        #expect(receiver.ids.isEmpty)
    }

    @Test func aRowOfAnotherWidth() throws {
        var receiver = Receiver()
        try receiver.receive(wal: Messages.begin(1))
        try receiver.receive(wal: Messages.relation())
        for row in [Array(Messages.row.dropLast()), Messages.row + [.null]] {
            #expect(throws: PgoutputError.self) { try receiver.receive(wal: Messages.insert(row: row)) }
        }
    }

    @Test(
        arguments: [
            ("", nil), ("-", nil), ("1x", nil), (" 1", nil), ("+1", nil), ("1.0", nil), ("9223372036854775808", nil),
            ("-9223372036854775809", nil), ("99999999999999999999", nil), ("0", 0), ("-1", -1),
            ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
        ] as [(String, Int64?)])
    func ids(text: String, id: Int64?) throws {
        var receiver = Receiver()
        try receiver.receive(wal: Messages.begin(1))
        try receiver.receive(wal: Messages.relation())
        let insert = Messages.insert(row: [.text(text)] + Messages.row.dropFirst())
        if let id {
            try receiver.receive(wal: insert)
            #expect(receiver.ids == [id])
        } else {
            #expect(throws: PgoutputError.value(column: "id")) { try receiver.receive(wal: insert) }
        }
    }

    @Test func standbyStatus() {
        let status = StandbyStatus(received: 0x0102_0304_0506_0708, sentAt: 946_684_800_000_001, replyRequested: true)
        let position: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        #expect(
            status.encoded()
                == [UInt8(ascii: "r")] + position + position + position + [0, 0, 0, 0, 0, 0, 0, 1] + [1])
        #expect(StandbyStatus(received: 0, sentAt: .min).encoded().count == 34)
        #expect(
            StandbyStatus(received: 0, sentAt: 946_684_799_999_999).encoded().suffix(9) == Array(
                repeating: 255, count: 8) + [0])
    }
}
