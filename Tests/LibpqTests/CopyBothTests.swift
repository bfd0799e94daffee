import Libpq
import Testing

@Suite struct CopyBothTests {
    private struct Messages: Sendable {
        var all: [[UInt8]] = []
    }

    /// A table, its publication, and a stream of it over a temporary slot.
    private func stream(
        _ name: String, wakingFrom bytes: Int32 = 1
    ) async throws -> (writer: Connection, stream: Connection) {
        let writer = try await Server.connect()
        let quoted = SQLText(name: name)
        try await writer.execute(
            """
            SET client_min_messages = error;
            DROP PUBLICATION IF EXISTS \(quoted); DROP TABLE IF EXISTS \(quoted);
            CREATE TABLE \(quoted) (id bigint PRIMARY KEY, body text);
            CREATE PUBLICATION \(quoted) FOR TABLE \(quoted)
            """)
        let stream = try await Server.connect(["replication": "database"])
        let slot = try await stream.execute(
            "CREATE_REPLICATION_SLOT \(quoted) TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT")
        #expect(slot[0].string(0, 0) == name)
        try await stream.startCopyBoth(
            """
            START_REPLICATION SLOT \(quoted) LOGICAL 0/0 \
            (proto_version '1', publication_names \(SQLText(constant: name)))
            """, wakingFrom: bytes)
        return (writer, stream)
    }

    private func drop(_ name: String, _ writer: Connection, _ stream: Connection) async throws {
        await stream.close()
        try await writer.execute("DROP PUBLICATION \(SQLText(name: name)); DROP TABLE \(SQLText(name: name))")
    }

    /// The types of the pgoutput messages inside XLogData, once there are this many inserts; without transactions that are
    /// empty, which PostgreSQL 14 sends for those of other tables.
    private func types(
        of stream: Connection, inserts: Int, upTo bytes: Int = 1 << 20, pausing: Duration = .zero
    ) async throws -> [Character] {
        var types: [Character] = []
        while types.count(where: { $0 == "I" }) < inserts {
            let (messages, status) = try await stream.receiveCopy(
                upTo: bytes, waiting: .seconds(60), pausing: pausing, into: Messages()
            ) { $0.all.append(Array($1)) }
            guard case .open(messages.all.count, messages.all.reduce(0) { $0 + $1.count }) = status else {
                return types
            }
            for message in messages.all where message.first == UInt8(ascii: "w") {
                let type = Character(Unicode.Scalar(message[25]))
                if type == "C", types.last == "B" { types.removeLast() } else { types.append(type) }
            }
        }
        return types
    }

    /// Many small transactions while the socket is left alone between two reads: nothing is missed, nor waited for.
    @Test func aThickStreamIsReadWithPauses() async throws {
        let (writer, stream) = try await stream("copy_thick")
        async let seen = types(of: stream, inserts: 2000, upTo: 5000, pausing: .microseconds(300))
        for number in 0..<2000 { try await writer.execute("INSERT INTO copy_thick VALUES (\(number), 'x')") }
        #expect(try await seen.count { $0 == "I" } == 2000)
        try await drop("copy_thick", writer, stream)
    }

    /// What is too little to wake anybody is there nevertheless once somebody looks, and what ends the stream wakes.
    @Test func littleIsFetchedThoughItWakesNobody() async throws {
        let (writer, stream) = try await stream("copy_little", wakingFrom: 1 << 20)
        try await writer.execute("INSERT INTO copy_little VALUES (1, 'x')")
        var types: [Character] = []
        for _ in 0..<500 where !types.contains("C") {
            let (messages, _) = try await stream.receiveCopy(
                upTo: 1 << 20, waiting: .milliseconds(20), into: Messages()
            ) { $0.all.append(Array($1)) }
            for message in messages.all where message.first == UInt8(ascii: "w") {
                types.append(Character(Unicode.Scalar(message[25])))
            }
        }
        #expect(types.suffix(2) == ["I", "C"])
        async let ending = failure {
            while true { _ = try await stream.receiveCopy(upTo: 1, waiting: .seconds(600), into: 0) { _, _ in } }
        }
        try await writer.query("SELECT pg_terminate_backend($1, 60000)", [.int(Int64(stream.info.backendPID))])
        #expect(await ending?.connectionIsLost == true)
        try await drop("copy_little", writer, stream)
    }

    @Test func changesComeAndStatusGoes() async throws {
        let (writer, stream) = try await stream("copy_changes")
        try await writer.execute("INSERT INTO copy_changes SELECT n, repeat('x', 100000) FROM generate_series(1, 50) n")
        let types = try await types(of: stream, inserts: 50, upTo: 250_000)
        #expect(types.prefix(3) == ["B", "R", "I"])
        // Standby status update: written, flushed, applied, clock, no reply wanted.
        try await stream.sendCopy([UInt8(ascii: "r")] + [UInt8](repeating: 0, count: 33))
        #expect(await failure { try await stream.execute("SELECT 1") }?.kind == .protocolViolation)
        try await drop("copy_changes", writer, stream)
    }

    @Test func oneMessageComesEvenAboveTheBound() async throws {
        let (writer, stream) = try await stream("copy_bound")
        try await writer.execute("INSERT INTO copy_bound SELECT n, 'x' FROM generate_series(1, 3) n")
        var seen = 0
        while seen < 3 {
            let (_, status) = try await stream.receiveCopy(upTo: 1, waiting: .seconds(60), into: 0) { _, _ in }
            guard case .open(1, _) = status else {
                Issue.record("\(status)")
                break
            }
            seen += 1
        }
        try await drop("copy_bound", writer, stream)
    }

    @Test func waitsEndEarly() async throws {
        let (writer, stream) = try await stream("copy_wake")
        // A wake is kept for the next wait, so this cannot miss; keepalives may come before.
        let waiting = Task {
            try await stream.receiveCopy(upTo: 1, waiting: .seconds(600), into: 0) { _, _ in }.1
        }
        stream.wake()
        var status = try await waiting.value
        while status != .open(messages: 0, bytes: 0) {
            status = try await stream.receiveCopy(upTo: 1, waiting: .seconds(600), into: 0) { _, _ in }.1
        }
        let cancelled = Task {
            await failure {
                while true { _ = try await stream.receiveCopy(upTo: 1, waiting: .seconds(600), into: 0) { _, _ in } }
            }
        }
        cancelled.cancel()
        #expect(await cancelled.value?.kind == .cancelled)
        try await writer.execute("INSERT INTO copy_wake VALUES (1, 'x')")
        #expect(try await types(of: stream, inserts: 1).contains("I"))
        let abandoned = Task {
            await failure {
                while true { _ = try await stream.receiveCopy(upTo: 1, waiting: .seconds(600), into: 0) { _, _ in } }
            }
        }
        stream.abandon()
        #expect(await abandoned.value?.kind == .closed)
        try await drop("copy_wake", writer, stream)
    }

    @Test func aTerminatedStreamSaysSo() async throws {
        let (writer, stream) = try await stream("copy_terminated")
        let reading = Task {
            await failure {
                while true { _ = try await stream.receiveCopy(upTo: 1, waiting: .seconds(600), into: 0) { _, _ in } }
            }
        }
        try await writer.query("SELECT pg_terminate_backend($1, 60000)", [.int(Int64(stream.info.backendPID))])
        let error = await reading.value
        #expect(error?.kind == .connection)
        #expect(error?.sqlState == "57P01")
        #expect(error?.connectionIsLost == true)
        #expect(await failure { try await stream.sendCopy([0]) }?.connectionIsLost == true)
        try await drop("copy_terminated", writer, stream)
    }

    @Test func aRefusedStreamLeavesTheConnection() async throws {
        let stream = try await Server.connect(["replication": "database"])
        let error = await failure {
            try await stream.startCopyBoth("START_REPLICATION SLOT no_such_slot LOGICAL 0/0")
        }
        #expect(error?.sqlState == "42704")
        #expect(try await stream.execute("SELECT 1")[0].int(0, 0) == 1)
        let outside = await failure {
            _ = try await stream.receiveCopy(upTo: 1, waiting: .zero, into: 0) { _, _ in }
        }
        #expect(outside?.kind == .protocolViolation)
    }
}
