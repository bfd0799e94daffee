import Dispatch
import Libpq
import RelayTestKit
import Synchronization
import Testing

/// A statement that is kept prepared is parsed once, whatever becomes of the tables under it.
@Suite struct PreparedTests {
    private func prepared(_ connection: Connection) async throws -> Int64? {
        try await connection.query("SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql").int(0, 0)
    }

    @Test func itIsPreparedOnce() async throws {
        let connection = try await Server.connect()
        for number in Int64(0)..<10 {
            let next = try await connection.query("SELECT $1::bigint + 1", [.int(number)], prepares: true)
            #expect(next.int(0, 0) == number + 1)
            let rows = try await connection.rows(
                "SELECT g FROM generate_series(1, $1::bigint) AS g", [.int(number)], prepares: true, into: Int64(0)
            ) { count, _ in count += 1 }
            #expect(rows == number)
        }
        #expect(try await prepared(connection) == 2)
    }

    @Test func aColumnThatBecomesAnotherTypeIsReadAnew() async throws {
        let connection = try await Server.connect()
        try await connection.execute("CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (7)")
        let read = { try await connection.query("SELECT a FROM t", prepares: true).string(0, 0) }
        #expect(try await read() == "7")
        try await connection.execute("ALTER TABLE t ALTER a TYPE text USING a || '!'")
        #expect(try await read() == "7!")
        #expect(try await read() == "7!")
    }

    @Test func inATransactionTheNextTimeReadsAnew() async throws {
        let connection = try await Server.connect()
        try await connection.execute("CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (7)")
        let read = { try await connection.query("SELECT a FROM t", prepares: true).string(0, 0) }
        #expect(try await read() == "7")
        try await connection.execute("ALTER TABLE t ALTER a TYPE text; BEGIN")
        let error = await failure { _ = try await read() }
        #expect(error?.sqlState == "0A000")
        try await connection.rollBack()
        #expect(try await read() == "7")
    }

    @Test func oneThatIsDiscardedIsPreparedAnew() async throws {
        let connection = try await Server.connect()
        let read = { try await connection.query("SELECT 1", prepares: true).int(0, 0) }
        #expect(try await read() == 1)
        try await connection.execute("DEALLOCATE ALL")
        #expect(try await read() == 1)
    }

    @Test func noMoreAreKeptThanThereIsRoomFor() async throws {
        let connection = try await Server.connect()
        for number in Int64(0)..<100 {
            #expect(try await connection.query("SELECT \(Int(number))", prepares: true).int(0, 0) == number)
        }
        #expect(try await prepared(connection) == 64)
    }

    @Test func whatCannotBePreparedSaysWhy() async throws {
        let connection = try await Server.connect()
        let error = await failure { try await connection.query("SELECT nothing_of_the_kind", prepares: true) }
        #expect(error?.sqlState == "42703")
        #expect(try await connection.query("SELECT 1", prepares: true).int(0, 0) == 1)
    }

    /// The server has prepared it before it hears of the cancellation: nothing is left there to be cancelled, and what was to
    /// be run must not run.
    @Test func aCancellationThatComesTooLateForThePreparationEndsTheStatement() async throws {
        let cancelled = DispatchSemaphore(value: 0)
        let asked = Mutex<[UInt8]>([])
        let rest = Mutex<[UInt8]>([])
        let server = try FakeServer { client in
            _ = client.read()
            guard client.connection == 1 else {
                cancelled.signal()
                return client.close()
            }
            // AuthenticationOk, BackendKeyData, ReadyForQuery; then ParseComplete and ReadyForQuery.
            let ready = FakeServer.message("Z", [UInt8(ascii: "I")])
            client.send(
                FakeServer.message("R", [0, 0, 0, 0]) + FakeServer.message("K", [0, 0, 0, 1, 0, 0, 0, 2]) + ready)
            asked.withLock { $0 = client.read() }
            cancelled.wait()
            client.send(FakeServer.message("1", []) + ready)
            rest.withLock { $0 = client.read() }
        }
        defer { server.stop() }
        let target = try ConnectionTarget(
            parsing: "host=127.0.0.1 port=\(server.port) user=ben sslmode=disable gssencmode=disable")
        let connection = try await Connection.open(target, timeout: .seconds(30))
        let statement = Task { await failure { _ = try await connection.query("SELECT 1", prepares: true) } }
        try await eventually("it is being prepared") { asked.withLock { $0.first == UInt8(ascii: "P") } }
        statement.cancel()
        let error = await statement.value
        #expect(error?.kind == .cancelled)
        #expect(error?.connectionIsLost == false)
        await connection.close()
        try await eventually("the server hears more") { rest.withLock { !$0.isEmpty } }
        // Terminate, and no Bind.
        #expect(rest.withLock { $0.first } == UInt8(ascii: "X"))
    }
}
