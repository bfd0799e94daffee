import Libpq
import RelayTestKit
import Testing

/// Statements that are sent together.
@Suite struct StatementTests {
    @Test func eachGivesATableInTheirOrder() async throws {
        let connection = try await Server.connect()
        try await connection.execute("CREATE TEMPORARY TABLE t (n bigint)")
        let tables = try await connection.run([
            .begin, Statement("LOCK TABLE t", prepares: false),
            Statement("INSERT INTO t SELECT unnest($1::bigint[])", [.int8Array([1, 2, 3])]),
            Statement("SELECT sum(n), $1::text FROM t", [.text("it's")]), .commit,
        ])
        #expect(tables.count == 5)
        #expect(tables[2].affectedRows == 3)
        #expect(tables[3].int(0, 0) == 6)
        #expect(tables[3].string(0, 1) == "it's")
        #expect(await connection.transactionStatus == .idle)
        #expect(try await connection.run([]).isEmpty)
    }

    @Test func thoseBehindAFailureAreNotRun() async throws {
        let connection = try await Server.connect()
        try await connection.execute("CREATE TEMPORARY TABLE t (n bigint)")
        let insert = Statement("INSERT INTO t VALUES ($1::bigint)", [.int(1)])
        let error = await #expect(throws: PostgresError.self) {
            try await connection.run([insert, Statement("SELECT 1 / $1::int", [.int(0)]), insert])
        }
        #expect(error?.sqlState == "22012")
        // Without BEGIN they are one transaction, and the connection goes on.
        #expect(try await connection.query("SELECT count(*) FROM t").int(0, 0) == 0)
        await #expect(throws: PostgresError.self) {
            try await connection.run([.begin, insert, Statement("SELECT 1 / $1::int", [.int(0)]), .commit])
        }
        #expect(await connection.transactionStatus == .failed)
        try await connection.rollBack()
        try await connection.run([.begin, insert, .commit])
        #expect(try await connection.query("SELECT count(*) FROM t").int(0, 0) == 1)
    }

    @Test func oneThatIsOutdatedIsPreparedAnew() async throws {
        let connection = try await Server.connect()
        try await connection.execute("CREATE TEMPORARY TABLE t AS SELECT 7 AS n")
        let read = Statement("SELECT n FROM t", prepares: true)
        #expect(try await connection.run([read, read]).last?.string(0, 0) == "7")
        try await connection.execute("ALTER TABLE t ALTER n TYPE text")
        #expect(try await connection.run([read]).last?.string(0, 0) == "7")
        try await connection.execute("ALTER TABLE t ALTER n TYPE bigint USING n::bigint")
        // What has a COMMIT in it may be done in part: only the caller knows whether it may be done again.
        let error = await #expect(throws: PostgresError.self) { try await connection.run([.begin, read, .commit]) }
        #expect(error?.sqlState == "0A000")
        try await connection.rollBack()
        #expect(try await connection.run([.begin, read, .commit])[1].string(0, 0) == "7")
    }

    /// A function that fails with the SQLSTATE of an outdated statement, again and again.
    @Test func whatFailsForReasonsOfItsOwnStaysPrepared() async throws {
        let connection = try await Server.connect()
        try await connection.execute(
            """
            CREATE FUNCTION pg_temp.fail() RETURNS int LANGUAGE plpgsql
              AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '0A000'; END $$
            """)
        for _ in 0..<3 {
            let error = await #expect(throws: PostgresError.self) {
                try await connection.run([Statement("SELECT pg_temp.fail()", prepares: true)])
            }
            #expect(error?.sqlState == "0A000")
        }
        #expect(try await connection.query("SELECT count(*) FROM pg_prepared_statements").int(0, 0) == 1)
    }

    @Test func whatTakesTooLongIsCancelled() async throws {
        let connection = try await Server.connect()
        let error = await #expect(throws: PostgresError.self) {
            try await connection.run(
                [Statement("SELECT 1"), Statement("SELECT pg_sleep(60)")], timeout: .milliseconds(100))
        }
        #expect(error?.kind == .timeout)
        #expect(try await connection.run([Statement("SELECT 2")]).last?.int(0, 0) == 2)
    }

    /// As one that reaches the server between two statements: nothing comes of the first request.
    @Test func aCancelRequestThatIsLostIsRepeated() async throws {
        let connection = try await Server.connect()
        let deaf: SQLText = """
            DO $$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(60); END $$
            """
        let error = await #expect(throws: PostgresError.self) {
            try await connection.run([Statement(deaf)], timeout: .milliseconds(100))
        }
        #expect(error?.kind == .timeout && error?.connectionIsLost == false)
        #expect(try await connection.run([Statement("SELECT 2")]).last?.int(0, 0) == 2)
    }

    @Test func aNULIsRefused() async throws {
        let connection = try await Server.connect()
        let error = await #expect(throws: PostgresError.self) {
            try await connection.run([Statement("SELECT 1"), Statement("SELECT $1::text", [.text("a\0b")])])
        }
        #expect(error?.sqlState == "22021")
        #expect(try await connection.run([Statement("SELECT 2")]).last?.int(0, 0) == 2)
    }

    @Test func arraysComeAsTheyAre() async throws {
        let connection = try await Server.connect()
        let tables = try await connection.run([
            Statement(
                "SELECT a, b, c FROM unnest($1::bigint[], $2::boolean[], $3::text[]) AS v (a, b, c)",
                [
                    .int8Array([Int64.min, nil, Int64.max]), .boolArray([true, false, true]),
                    .textArray(["", "NULL", "{\"a\\b\"}'"]),
                ])
        ])
        let rows = try #require(tables.first).rows
        #expect(rows.map { $0.int(0) } == [Int64.min, nil, Int64.max])
        #expect(rows.map { $0.bool(1) } == [true, false, true])
        #expect(rows.map { $0.string(2) } == ["", "NULL", "{\"a\\b\"}'"])
    }
}

/// Text in which no value stands.
@Suite struct SQLTextTests {
    @Test func namesAndConstantsAreQuoted() {
        let name = SQLText(name: "a\"b")
        #expect(
            ("SELECT \(name), \(SQLText(constant: "it's")) LIMIT \(10)" as SQLText).text
                == "SELECT \"a\"\"b\", 'it''s' LIMIT 10")
    }

    @Test func aNegativeNumberIsANumber() async throws {
        let connection = try await Server.connect()
        #expect(try await connection.query("SELECT 5 -\(-3)").int(0, 0) == 8)
    }

    @Test func partsAreJoined() {
        let parts: [SQLText] = ["a", "b"]
        #expect((parts.joined(separator: ", ") + " c").text == "a, b c")
    }
}
