import Libpq
import Testing

@Suite struct QueryTests {
    @Test func severalStatements() async throws {
        let connection = try await Server.connect()
        let tables = try await connection.execute(
            "CREATE TEMP TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, NULL); TABLE t;")
        #expect(tables.count == 3)
        #expect(tables[0].columnCount == 0)
        #expect(tables[0].commandTag == "CREATE TABLE")
        #expect(tables[1].affectedRows == 2)
        #expect(tables[1].commandTag == "INSERT 0 2")
        #expect(tables[2].columnNames == ["a", "b"])
        #expect(tables[2].column(named: "b") == 1)
        #expect(tables[2].column(named: "c") == nil)
        #expect(tables[2].rows.map { $0.int(0) } == [1, 2])
        #expect(tables[2].string(0, 1) == "x")
        #expect(tables[2].isNull(1, 1))
        #expect(tables[2][1].string(1) == nil)
        #expect(tables[2].string(9, 9) == nil)
    }

    @Test func parametersArriveAsTheyWere() async throws {
        let connection = try await Server.connect()
        let texts = ["", "ü", "a\"b\\c", "NULL", "{1,2}", "a,b", " x "]
        let table = try await connection.query(
            "SELECT $1::text, $2::bigint, $3::boolean, $4::text IS NULL, $5::bigint[], cardinality($6::text[]), $7::bool",
            [
                "it's", .int(.min), true, nil, .int8Array([1, -2, 3]), .textArray(texts), .bool(false),
            ])
        #expect(table.string(0, 0) == "it's")
        #expect(table.int(0, 1) == .min)
        #expect(table.bool(0, 2) == true)
        #expect(table.bool(0, 3) == true)
        #expect(table.string(0, 4) == "{1,-2,3}")
        #expect(table.int(0, 5) == Int64(texts.count))
        #expect(table.bool(0, 6) == false)
        let back = try await connection.query("SELECT unnest($1::text[])", [.textArray(texts)])
        #expect(back.rows.map { $0.string(0) } == texts)
        #expect(try await connection.query("SELECT cardinality($1::int8[])", [.int8Array([])]).int(0, 0) == 0)
    }

    @Test func integersAreReadInFull() async throws {
        let connection = try await Server.connect()
        let table = try await connection.query(
            "SELECT 9223372036854775807, -9223372036854775808, 9223372036854775808, 1.5, '', -0, 'x', NULL")
        let values = (0..<8).map { table.int(0, $0) }
        #expect(values == [.max, .min, nil, nil, nil, 0, nil, nil])
    }

    @Test func largeParametersAndRows() async throws {
        let connection = try await Server.connect()
        let large = String(repeating: "0123456789abcdef", count: 1 << 20)
        let table = try await connection.query("SELECT $1::text, length($1)", [.text(large)])
        #expect(table.int(0, 1) == Int64(large.utf8.count))
        #expect(table.string(0, 0) == large)
    }

    @Test func errorsCarryTheirFields() async throws {
        let connection = try await Server.connect()
        try await connection.execute("CREATE TEMP TABLE t (a int CONSTRAINT a_is_small CHECK (a < 10))")
        let error = await failure { try await connection.query("INSERT INTO t VALUES ($1)", [11]) }
        #expect(error?.kind == .server)
        #expect(error?.sqlState == "23514")
        #expect(error?.constraint == "a_is_small")
        #expect(error?.detail?.contains("(11)") == true)
        #expect(error?.canRetry == false)
        #expect(error?.connectionIsLost == false)
        let hinted = await failure { try await connection.query("SELECT upperr('a')") }
        #expect(hinted?.hint != nil)
        #expect(try await connection.query("SELECT 1").int(0, 0) == 1)
    }

    @Test func theFirstErrorIsThrownAndTheRestIsRead() async throws {
        let connection = try await Server.connect()
        let error = await failure { try await connection.execute("SELECT 1; SELECT 1/0; SELECT nothing") }
        #expect(error?.sqlState == "22012")
        #expect(try await connection.execute("SELECT 2")[0].int(0, 0) == 2)
    }

    @Test func transactionsAreSeenAndRolledBack() async throws {
        let connection = try await Server.connect()
        #expect(await connection.transactionStatus == .idle)
        try await connection.execute("BEGIN")
        #expect(await connection.transactionStatus == .open)
        _ = await failure { try await connection.execute("SELECT 1/0") }
        #expect(await connection.transactionStatus == .failed)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await connection.rollBack()
        }
        try await task.value
        #expect(await connection.transactionStatus == .idle)
    }

    @Test func whatCCannotCarryIsRefused() async throws {
        let connection = try await Server.connect()
        #expect(await failure { try await connection.query("SELECT $1::text", ["a\0b"]) }?.sqlState == "22021")
        #expect(await failure { try await connection.execute("SELECT 1 \0") }?.sqlState == "22021")
    }

    @Test func copyIsRefusedAndCostsTheConnection() async throws {
        let connection = try await Server.connect()
        let error = await failure { try await connection.execute("COPY (SELECT 1) TO STDOUT") }
        #expect(error?.kind == .protocolViolation)
        #expect(error?.connectionIsLost == true)
        #expect(await connection.isUsable == false)
    }
}
