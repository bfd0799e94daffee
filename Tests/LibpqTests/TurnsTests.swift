import DedicatedThreads
import RelayTestKit
import Synchronization
import Testing

@testable import Libpq

/// Calls on a connection, one at a time.
@Suite struct TurnsTests {
    /// A connection's actor, as far as its turns go.
    private actor Line {
        private nonisolated let thread: DedicatedThread
        private let turns = Turns()
        nonisolated let isOver = Mutex(false)

        nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

        init(on thread: DedicatedThread) { self.thread = thread }

        /// Comes into line while a call runs whose end is queued already: whatever lets others run first meets that end.
        func takeBehindAnEnd() async {
            await turns.take()
            thread.run { self.assumeIsolated { $0.turns.pass() } }
            await turns.take()
            turns.pass()
            isOver.withLock { $0 = true }
        }
    }

    @Test func aCallThatComesIntoLineAsTheLastOneEndsGetsItsTurn() async throws {
        let (thread, preferred) = (try #require(DedicatedThread()), try #require(DedicatedThread()))
        let line = Line(on: thread)
        // A task that prefers another thread comes through the queue at each wait.
        let calls = Task(executorPreference: preferred.tasks) { await line.takeBehindAnEnd() }
        try await eventually("it has its turn") { line.isOver.withLock { $0 } }
        await calls.value
    }
}
