import PostgresOutbox
import RelayObservability
import RelaySight
import RelayTestKit
import Synchronization
import Testing

@Suite("Reading now and then", .timeLimit(.minutes(1)))
struct SightReaderTests {
    @Test func itRestsTwentyTimesAsLongAsItWorks() {
        #expect(SightReader.pause(after: .milliseconds(1), readings: 100) == .seconds(5))
        #expect(SightReader.pause(after: .milliseconds(250), readings: 100) == .seconds(5))
        #expect(SightReader.pause(after: .seconds(1), readings: 100) == .seconds(20))
        #expect(SightReader.pause(after: .milliseconds(1), readings: 1) == .seconds(1))
        #expect(SightReader.pause(after: .seconds(1), readings: 1) == .seconds(20))
    }

    @Test func everyReadingArrivesUntilItIsCancelled() async throws {
        let sight = Sight(version: "1", sinks: [], clock: TestClock().clock)
        let count = Atomic<Int64>(0)
        // It sleeps until the test lets it go on.
        let (turns, turn) = AsyncStream.makeStream(of: Void.self)
        let reader = SightReader(
            of: sight,
            sleep: { _ in
                for await _ in turns { return }
                throw CancellationError()
            }, read: { .of([.lacking(count.add(1, ordering: .relaxed).newValue)]) })
        let task = Task { await reader.run() }
        for number in 1...3 {
            try await eventually("reading \(number) is shown") {
                sight.status().text.contains("\"lag_events\":\(number),")
            }
            turn.yield()
        }
        task.cancel()
        await task.value
    }

    @Test func aReadingThatDoesNotEndIsGivenUp() async throws {
        let sight = Sight(version: "1", sinks: [], clock: TestClock().clock)
        let reader = SightReader(
            of: sight, limit: .milliseconds(20),
            read: {
                try await Task.sleep(for: .seconds(3600))
                return .of([])
            })
        let task = Task { await reader.run() }
        try await eventually("the failure is shown") {
            sight.status().text.contains("the outbox could not be read within 0.02 seconds")
        }
        task.cancel()
        await task.value
    }
}
