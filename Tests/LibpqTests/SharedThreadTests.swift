import DedicatedThreads
import Libpq
import RelayTestKit
import Testing

/// Connections that share a thread do not wait for each other, and calls on one keep their order.
@Suite struct SharedThreadTests {
    private func connect(on thread: DedicatedThread) async throws -> Connection {
        let target = try ConnectionTarget(parsing: await PrivateCluster.shared().conninfo())
        return try await Connection.open(target, on: thread, timeout: .seconds(30))
    }

    @Test func oneThatWaitsHoldsNobodyUp() async throws {
        let thread = try #require(DedicatedThread())
        let (waiting, other) = (try await connect(on: thread), try await connect(on: thread))
        let sleeping = Task { await failure { try await waiting.query("SELECT pg_sleep(600)") } }
        try await eventually("the statement runs") {
            try await Server.isAsleep(waiting.info.backendPID, seenBy: other)
        }
        waiting.cancelRunning()
        #expect(await sleeping.value?.kind == .cancelled)
    }

    @Test func callsOnOneConnectionWaitInLine() async throws {
        let thread = try #require(DedicatedThread())
        let connection = try await connect(on: thread)
        try await connection.execute("CREATE TEMP TABLE done (number int)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    // Two calls of others must not come between a call's statements.
                    try await connection.execute(
                        "BEGIN; INSERT INTO done VALUES (\(number)); SELECT pg_sleep(0.001); COMMIT")
                }
            }
            try await group.waitForAll()
        }
        #expect(try await connection.query("SELECT count(DISTINCT number) FROM done").int(0, 0) == 20)
        #expect(await connection.transactionStatus == .idle)
    }

    @Test func closingWaitsForWhatRuns() async throws {
        let thread = try #require(DedicatedThread())
        let (connection, observer) = (try await connect(on: thread), try await connect(on: thread))
        let running = Task { try await connection.query("SELECT 7 FROM pg_sleep(0.2)").int(0, 0) }
        try await eventually("the statement runs") {
            try await Server.isAsleep(connection.info.backendPID, seenBy: observer)
        }
        await connection.close()
        #expect(try await running.value == 7)
        #expect(await failure { try await connection.query("SELECT 1") }?.kind == .closed)
    }
}
