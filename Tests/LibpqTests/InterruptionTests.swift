import Glibc
import Libpq
import Synchronization
import RelayTestKit
import Testing

@Suite struct InterruptionTests {
    @Test func cancellingTheTaskCancelsTheStatement() async throws {
        let (connection, observer) = (try await Server.connect(), try await Server.connect())
        let sleeping = Task { await failure { try await connection.query("SELECT pg_sleep(600)") } }
        try await eventually("the statement runs") {
            try await Server.isAsleep(connection.info.backendPID, seenBy: observer)
        }
        sleeping.cancel()
        let error = await sleeping.value
        #expect(error?.kind == .cancelled)
        #expect(error?.connectionIsLost == false)
        #expect(try await Server.isAsleep(connection.info.backendPID, seenBy: observer) == false)
        #expect(try await connection.query("SELECT 1").int(0, 0) == 1)
    }

    @Test func cancelRunningDoesTheSame() async throws {
        let (connection, observer) = (try await Server.connect(), try await Server.connect())
        connection.cancelRunning()
        let sleeping = Task {
            await failure { _ = try await connection.rows("SELECT pg_sleep(600)", into: 0) { _, _ in } }
        }
        try await eventually("the statement runs") {
            try await Server.isAsleep(connection.info.backendPID, seenBy: observer)
        }
        connection.cancelRunning()
        #expect(await sleeping.value?.kind == .cancelled)
        #expect(try await connection.execute("SELECT 1").count == 1)
    }

    @Test func aCancelledTaskSendsNothingUnlessToldTo() async throws {
        let connection = try await Server.connect()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            let refused = await failure { try await connection.execute("SELECT 1") }
            let done = try await connection.execute("SELECT 2", cancellable: false)
            return (refused?.kind, done[0].int(0, 0))
        }
        let (refused, done) = try await task.value
        #expect(refused == .cancelled)
        #expect(done == 2)
    }

    @Test func cancelsHitNoLaterStatement() async throws {
        let connection = try await Server.connect()
        for _ in 0..<50 {
            let task = Task { await failure { try await connection.query("SELECT pg_sleep(0.002)") } }
            connection.cancelRunning()
            task.cancel()
            // It may have ended before, without an error.
            #expect([nil, .cancelled].contains(await task.value?.kind))
            #expect(try await connection.query("SELECT 1").int(0, 0) == 1)
        }
    }

    @Test func timeLimits() async throws {
        let connection = try await Server.connect()
        let error = await failure { try await connection.query("SELECT pg_sleep(600)", timeout: .milliseconds(50)) }
        #expect(error?.kind == .timeout)
        #expect(error?.connectionIsLost == false)
        #expect(error?.canRetry == true)
        let rest = await failure { try await connection.execute("SET statement_timeout = 50; SELECT pg_sleep(600)") }
        #expect(rest?.kind == .server)
        #expect(rest?.sqlState == "57014")
        #expect(try await connection.query("SELECT 1", timeout: .seconds(60)).int(0, 0) == 1)
    }

    @Test func aServerThatObeysNoCancelCostsTheConnection() async throws {
        let (connection, observer) = (try await Server.connect(), try await Server.connect())
        let pid = connection.info.backendPID
        let sleeping = Task { await failure { try await connection.query("SELECT pg_sleep(600)") } }
        try await eventually("the statement runs") { try await Server.isAsleep(pid, seenBy: observer) }
        #expect(kill(pid, SIGSTOP) == 0)
        defer { kill(pid, SIGCONT) }
        sleeping.cancel()
        let error = await sleeping.value
        #expect(error?.kind == .cancelled)
        #expect(error?.connectionIsLost == true)
        #expect(await failure { try await connection.query("SELECT 1") }?.connectionIsLost == true)
    }

    @Test func aTerminatedBackendIsSeenWhileRunning() async throws {
        let (connection, observer) = (try await Server.connect(), try await Server.connect())
        let pid = connection.info.backendPID
        let sleeping = Task { await failure { try await connection.query("SELECT pg_sleep(600)") } }
        try await eventually("the statement runs") { try await Server.isAsleep(pid, seenBy: observer) }
        try await observer.query("SELECT pg_terminate_backend($1, 60000)", [.int(Int64(pid))])
        let error = await sleeping.value
        #expect(error?.kind == .connection)
        #expect(error?.sqlState == "57P01")
        #expect(error?.connectionIsLost == true)
        #expect(error?.canRetry == true)
        #expect(await connection.isUsable == false)
    }

    @Test func aTerminatedBackendIsSeenAtTheNextStatement() async throws {
        let (connection, observer) = (try await Server.connect(), try await Server.connect())
        let pid = connection.info.backendPID
        try await observer.query("SELECT pg_terminate_backend($1, 60000)", [.int(Int64(pid))])
        let error = await failure { try await connection.query("SELECT 1") }
        #expect(error?.kind == .connection)
        #expect(error?.sqlState == "57P01")
        #expect(await failure { try await connection.execute("SELECT 1") }?.kind == .connection)
    }

    @Test func abandonCutsWhatRuns() async throws {
        let (connection, observer) = (try await Server.connect(), try await Server.connect())
        let sleeping = Task { await failure { try await connection.query("SELECT pg_sleep(600)") } }
        try await eventually("the statement runs") {
            try await Server.isAsleep(connection.info.backendPID, seenBy: observer)
        }
        connection.abandon()
        let error = await sleeping.value
        #expect(error?.kind == .closed)
        #expect(error?.connectionIsLost == true)
        #expect(await failure { try await connection.query("SELECT 1") }?.kind == .closed)
    }

    @Test func closeEndsTheSession() async throws {
        let (connection, observer) = (try await Server.connect(), try await Server.connect())
        let pid = Int64(connection.info.backendPID)
        await connection.close()
        await connection.close()
        connection.abandon()
        #expect(await failure { try await connection.query("SELECT 1") }?.kind == .closed)
        try await eventually("the backend is gone") {
            try await observer.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", [.int(pid)]).rowCount == 0
        }
    }

    /// If they waited on the cooperative pool, which has a thread per core, nothing else would get a turn.
    @Test func manyBlockedConnectionsStarveNobody() async throws {
        let observer = try await Server.connect()
        var connections: [Connection] = []
        for _ in 0..<8 { connections.append(try await Server.connect()) }
        let pids = Parameter.int8Array(connections.map { Int64($0.info.backendPID) })
        let tasks = connections.map { connection in
            Task { await failure { try await connection.query("SELECT pg_sleep(600)") } }
        }
        let text: SQLText = "SELECT 1 FROM pg_stat_activity WHERE pid = ANY($1) AND wait_event = 'PgSleep'"
        try await eventually("the statements run") { try await observer.query(text, [pids]).rowCount == 8 }
        #expect(await Task { 1 }.value == 1)
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value?.kind == .cancelled) }
    }

    @Test func theThreadEndsWithItsConnection() async throws {
        var connection: Connection? = try await Server.connect()
        let directory = try await connection?.rows("SELECT 1", into: "") { directory, _ in
            var name = [CChar](repeating: 0, count: 64)
            // It reads as `PID/task/TID`.
            let length = readlink("/proc/thread-self", &name, 64)
            directory = String(decoding: name.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        let path = "/proc/\(try #require(directory))"
        #expect(access(path, F_OK) == 0)
        connection = nil
        try await eventually("the thread is gone") { access(path, F_OK) != 0 }
    }
}
