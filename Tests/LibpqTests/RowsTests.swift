import Libpq
import Testing

@Suite struct RowsTests {
    private struct Collected: Sendable {
        var bytes: [UInt8] = []
        var rows = 0
        var places: Set<UInt> = []
    }

    private struct Enough: Error {}

    @Test func rowsComeInOrderAndTheStateIsNeverCopied() async throws {
        let connection = try await Server.connect()
        var collected = Collected()
        collected.bytes.reserveCapacity(1 << 20)
        let before = collected.bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        collected = try await connection.rows(
            "SELECT n::text, CASE WHEN n % 2 = 0 THEN 'x' END FROM generate_series(1, $1::int) n", [10_000],
            into: consume collected
        ) { state, row in
            guard let bytes = row.bytes(column: 0) else { throw Enough() }
            state.bytes.append(contentsOf: bytes)
            state.rows += 1
            #expect(row.int(0) == Int64(state.rows))
            #expect(row.isNull(1) == (state.rows % 2 == 1))
            state.bytes.withUnsafeBytes { _ = state.places.insert(UInt(bitPattern: $0.baseAddress)) }
        }
        collected.bytes.append(0)
        let after = collected.bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(collected.rows == 10_000)
        #expect(collected.places == [before])
        #expect(after == before)
    }

    @Test func whatTheBodyThrowsComesBackOnceAllIsRead() async throws {
        let connection = try await Server.connect()
        await #expect(throws: Enough.self) {
            _ = try await connection.rows("SELECT generate_series(1, 10000)", into: 0) { seen, _ in
                seen += 1
                if seen == 3 { throw Enough() }
            }
        }
        #expect(try await connection.query("SELECT 1").int(0, 0) == 1)
    }

    @Test func anErrorHalfwayIsThrown() async throws {
        let connection = try await Server.connect()
        let error = await failure {
            _ = try await connection.rows("SELECT 1 / (500 - n) FROM generate_series(1, 1000) n", into: 0) { n, _ in
                n += 1
            }
        }
        #expect(error?.sqlState == "22012")
        #expect(try await connection.query("SELECT 1").int(0, 0) == 1)
    }

    /// A transaction's first statement goes out together with its BEGIN; rows come one by one all the same.
    @Test(arguments: [true, false])
    func aTransactionBeginsWithItsFirstStatement(_ prepares: Bool) async throws {
        let connection = try await Server.connect()
        for _ in 0..<3 {
            let seen = try await connection.rows(
                "SELECT generate_series(1, $1::int), pg_catalog.now() < pg_catalog.clock_timestamp()", [1000],
                prepares: prepares, begins: true, into: [Int64]()
            ) { seen, row in seen.append(row.int(0) ?? 0) }
            #expect(seen == Array(1...1000))
            #expect(await connection.transactionStatus == .open)
            try await connection.execute("COMMIT")
        }
    }

    @Test func whereTheFirstStatementFailsTheTransactionHasFailed() async throws {
        let connection = try await Server.connect()
        let texts: [SQLText] = [
            "SELECT 1 / (500 - n) FROM generate_series(1, 1000) n", "SELECT FROM no_such_table", "SELECT $1",
        ]
        for text in texts {
            let error = await failure { _ = try await connection.rows(text, begins: true, into: 0) { n, _ in n += 1 } }
            #expect(error?.kind == .server)
            #expect(await connection.transactionStatus == .failed)
            try await connection.rollBack()
            #expect(try await connection.query("SELECT 1").int(0, 0) == 1)
        }
    }

    @Test func aTransactionsFirstStatementIsCancelledInTime() async throws {
        let connection = try await Server.connect()
        let error = await failure {
            _ = try await connection.rows(
                "SELECT pg_sleep(600)", begins: true, timeout: .milliseconds(50), into: 0
            ) { n, _ in n += 1 }
        }
        #expect(error?.kind == .timeout)
        #expect(error?.connectionIsLost == false)
        try await connection.rollBack()
        #expect(try await connection.query("SELECT 1").int(0, 0) == 1)
    }

    @Test func aSessionThatEndsInAPipelineIsLost() async throws {
        let connection = try await Server.connect()
        let error = await failure {
            _ = try await connection.rows(
                "SELECT pg_terminate_backend(pg_backend_pid())", begins: true, into: 0
            ) { n, _ in n += 1 }
        }
        #expect(error?.sqlState == "57P01")
        #expect(error?.connectionIsLost == true)
        #expect(await !connection.isUsable)
    }
}
