import Foundation
import Libpq
import RelayTestKit
import Testing

@testable import Ledger

/// What an Idempotency-Key promises, by the statements that the HTTP server sends: a key is reserved first, then answered;
/// who finds it reserved for too long takes it over.
@Suite struct RequestProtocolTests {
    private let first = UUID().uuidString.lowercased()
    private let second = UUID().uuidString.lowercased()

    /// One works, the others wait for its answer; all get the same bytes.
    @Test func requestsAtOnceMakeOneTransferAndGetOneAnswer() async throws {
        let desk = try await RequestDesk()
        let answers = try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { try await desk.withConnection { try await desk.request("key", on: $0) } }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 8 && Set(answers).count == 1, "\(answers)")
        #expect(answers.first??.status == 201)
        #expect(try await desk.transfers() == 1)
        #expect(try await desk.database.number("SELECT count(*) FROM outbox") == 1)
        // And whoever asks much later, when more has been written, and what was written is reversed.
        try await desk.database.execute("SELECT reverse_transfer(id, 'mistake') FROM transfers")
        #expect(try await desk.withConnection { try await desk.request("key", on: $0) } == answers.first)
        #expect(try await desk.transfers() == 2)
        try await desk.books.expectConservation("")
    }

    @Test(arguments: [
        "status = 500", "content = '\\x00'", "status = NULL, content = NULL", "attempt = gen_random_uuid()",
        "reserved_at = clock_timestamp()", "digest = sha256('other')", "key = 'another'", "status = status",
    ])
    func anAnswerStaysAsItIs(_ change: String) async throws {
        let desk = try await RequestDesk()
        let answer = try await desk.withConnection { try await desk.request("key", on: $0) }
        let error = await #expect(throws: PostgresError.self) {
            try await desk.database.execute(
                "SET session_replication_role = replica; UPDATE ledger_requests SET \(change)")
        }
        #expect(error?.sqlState == "23001", "\(String(describing: error))")
        #expect(try await desk.withConnection { try await desk.stored("key", on: $0) } == answer)
    }

    /// Who takes a key over while its first attempt is at work waits, and has nothing to take once that has answered.
    @Test func whatIsAnsweredMeanwhileIsNotTakenOver() async throws {
        let desk = try await RequestDesk()
        let working = try await desk.database.connection()
        #expect(try await desk.reserve("key", first, on: working))
        try await working.execute("BEGIN")
        let answer = try #require(try await desk.answer("key", first, on: working))
        let taking = Task { [first, second] in
            try await desk.withConnection { try await desk.takeOver("key", from: first, to: second, on: $0) }
        }
        try await desk.database.waitsForLock("the one that takes over waits for the first attempt")
        try await working.execute("COMMIT")
        await working.close()
        #expect(try await taking.value == false)
        #expect(try await desk.withConnection { try await desk.answer("key", second, on: $0) } == nil)
        #expect(try await desk.withConnection { try await desk.stored("key", on: $0) } == answer)
        #expect(try await desk.transfers() == 1)
    }

    /// Where the first attempt comes to nothing it is taken over; it gets no row any more, and posts nothing.
    @Test func whatWasTakenOverIsLostToTheFirst() async throws {
        let desk = try await RequestDesk()
        let working = try await desk.database.connection()
        #expect(try await desk.reserve("key", first, on: working))
        #expect(try await desk.reserve("key", second, on: working) == false)
        try await working.execute("BEGIN")
        _ = try await desk.answer("key", first, on: working)
        let taking = Task { [first, second] in
            try await desk.withConnection { try await desk.takeOver("key", from: first, to: second, on: $0) }
        }
        try await desk.database.waitsForLock("the one that takes over waits for the first attempt")
        try await working.execute("ROLLBACK")
        #expect(try await taking.value)
        #expect(try await desk.answer("key", first, on: working) == nil)
        #expect(try await desk.transfers() == 0)
        let answer = try await desk.answer("key", second, on: working)
        #expect(answer?.status == 201)
        #expect(try await desk.stored("key", on: working) == answer)
        #expect(try await desk.transfers() == 1)
        await working.close()
    }

    /// An attempt that finds its key being taken over waits for that, and posts nothing after it.
    @Test func anAttemptWaitsForWhoTakesOver() async throws {
        let desk = try await RequestDesk()
        let taking = try await desk.database.connection()
        #expect(try await desk.reserve("key", first, on: taking))
        try await taking.execute("BEGIN")
        #expect(try await desk.takeOver("key", from: first, to: second, on: taking))
        let late = Task { [first] in
            try await desk.withConnection { try await desk.answer("key", first, on: $0) }
        }
        try await desk.database.waitsForLock("the first attempt waits for the one that takes over")
        try await taking.execute("COMMIT")
        #expect(try await late.value == nil)
        #expect(try await desk.transfers() == 0)
        #expect(try await desk.answer("key", second, on: taking)?.status == 201)
        await taking.close()
    }

    /// However an attempt and those that take over fall together, one of them answers, and one transfer is made.
    @Test func ofAllAttemptsOneAnswers() async throws {
        let desk = try await RequestDesk()
        let rounds = 20
        for round in 0..<rounds {
            let key = "key \(round)"
            #expect(try await desk.withConnection { try await desk.reserve(key, first, on: $0) })
            let answers = try await withThrowingTaskGroup(of: RequestDesk.Answer?.self) { group in
                group.addTask { try await desk.withConnection { try await desk.answer(key, first, on: $0) } }
                for _ in 0..<3 {
                    group.addTask {
                        let attempt = UUID().uuidString
                        return try await desk.withConnection { connection in
                            let isTaken = try await desk.takeOver(key, from: first, to: attempt, on: connection)
                            return isTaken ? try await desk.answer(key, attempt, on: connection) : nil
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let given = answers.compactMap(\.self)
            #expect(given.count == 1, "\(key): \(given)")
            #expect(try await desk.withConnection { try await desk.stored(key, on: $0) } == given.first)
        }
        #expect(try await desk.transfers() == Int64(rounds))
        try await desk.books.expectConservation("")
    }

    /// What is refused leaves the key in flight, for its attempt to complete it with the refusal, and nothing else.
    @Test func aRefusalPostsNothingAndIsKept() async throws {
        let desk = try await RequestDesk()
        let connection = try await desk.database.connection()
        #expect(try await desk.reserve("key", first, on: connection))
        let error = await #expect(throws: PostgresError.self) {
            _ = try await desk.answer("key", first, body: #"{"legs":[]}"#, on: connection)
        }
        #expect(error?.sqlState == "22023")
        #expect(try await desk.stored("key", on: connection) == nil)
        let refusal = Statement(RequestStatements.recordRefusal, ["key", .text(first), 422, "{}"])
        #expect(try await connection.query(refusal.text, refusal.values).affectedRows == 1)
        #expect(try await desk.answer("key", first, on: connection) == nil)
        #expect(try await desk.request("key", on: connection) == RequestDesk.Answer(status: 422, content: "{}"))
        #expect(try await desk.transfers() == 0)
        await connection.close()
    }

    /// Another key for the same external id gets the same transfer, and says that it is not new.
    @Test func anotherKeyUnderTheSameExternalIDGetsTheSameTransfer() async throws {
        let desk = try await RequestDesk()
        let body = desk.body(externalID: "once")
        let answers = try await desk.withConnection { connection in
            var answers: [RequestDesk.Answer?] = []
            for key in ["one", "other"] {
                #expect(try await desk.reserve(key, first, on: connection))
                answers.append(try await desk.answer(key, first, body: body, on: connection))
            }
            return answers
        }
        #expect(answers.map { $0?.status } == [201, 200])
        #expect(answers.first??.content == answers.last??.content)
        #expect(try await desk.transfers() == 1)
    }

    /// Keys that are due are found by the index, not among all that are kept.
    @Test func expiryReadsWhatIsDue() async throws {
        let desk = try await RequestDesk()
        let plan = try await desk.withConnection { connection in
            try await connection.execute("SET enable_seqscan = off; SET enable_sort = off")
            return try await connection.query("EXPLAIN (COSTS OFF) \(RequestStatements.expire)", ["1 day"])
        }
        let lines = plan.rows.compactMap { $0.string(0) }
        #expect(lines.contains { $0.contains("Index Cond: (reserved_at < ") }, "\(lines)")
    }

    /// Of two that would take over from one attempt, one does; and nobody from an attempt that has not the key.
    @Test func aKeyIsTakenOverOnce() async throws {
        let desk = try await RequestDesk()
        let attempts = (0..<4).map { _ in UUID().uuidString }
        let connection = try await desk.database.connection()
        #expect(try await desk.reserve("key", attempts[0], on: connection))
        #expect(try await desk.takeOver("key", from: attempts[0], to: attempts[1], on: connection))
        #expect(try await desk.takeOver("key", from: attempts[0], to: attempts[2], on: connection) == false)
        #expect(try await desk.answer("key", attempts[0], on: connection) == nil)
        #expect(try await desk.answer("key", attempts[2], on: connection) == nil)
        #expect(try await desk.answer("key", attempts[1], on: connection)?.status == 201)
        #expect(try await desk.takeOver("key", from: attempts[1], to: attempts[3], on: connection) == false)
        await connection.close()
        #expect(try await desk.transfers() == 1)
    }
}
